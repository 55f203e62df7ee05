/**
 * Partner Center's paging: the next page has the address of the first one with `seekOperation=Next`, and a token in a
 * header. The address is made here and never taken from an answer, because our own access token goes along.
 */

import { type Answer, odd, type Question } from "./partner-center-calls.ts";

export const continuationHeader = "MS-ContinuationToken";

/**
 * @param path of the first page, with its query
 * @param token absent: the first page
 */
export function pageOf(path: string, token: string | undefined): Question {
  if (token === undefined) return { method: "GET", path };
  return { method: "GET", path: `${path}&seekOperation=Next`, headers: { [continuationHeader]: token } };
}

/**
 * @param value where an answer says that there is another page
 * @param sent the token of the page that this answer is; coming again it would go round for ever
 */
export function continuationToken(value: unknown, answer: Answer, sent: string | undefined): string {
  // It goes into a header as it came, and into a note.
  if (typeof value !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(value)) {
    throw odd(answer, "has a next page without its token");
  }
  if (value === sent) throw odd(answer, "leads to itself");
  return value;
}
