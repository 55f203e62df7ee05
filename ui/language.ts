/** English or Japanese: as the reader's browser asks, unless the reader chose. Only the words of one are loaded. */

import type { Words } from "./words.ts";

export const languages = ["en", "ja"] as const;
export type Language = (typeof languages)[number];

const key = "language";

export function chosenLanguage(): Language {
  const wanted = [localStorage.getItem(key) ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.flatMap((tag) => languages.find((language) => language === tag) ?? [])[0] ?? "en";
}

export function chooseLanguage(language: Language): void {
  localStorage.setItem(key, language);
}

export async function loadWords(language: Language): Promise<Words> {
  return language === "ja" ? (await import("./words-ja.ts")).japanese : (await import("./words-en.ts")).english;
}
