/** What others say of an error, as far as it may be told on: a server may say back what it was sent, tokens and all. */

/** @returns the code when it is a word such as `AuthorizationFailed`; what is longer could be a token */
export function foreignCode(code: unknown): string | undefined {
  return typeof code === "string" || typeof code === "number" ? /^[\w.-]{1,60}$/.exec(String(code))?.[0] : undefined;
}

/** @returns the text on one line, cut, and without any word that is long enough to be a secret; ids stay */
export function foreignWords(text: string, mostCharacters: number): string {
  const words = text.replace(/[^\s"']{40,}/g, "…").replace(/[\p{C}\s]+/gu, " ");
  return words.slice(0, mostCharacters).toWellFormed();
}
