/** Pages whose nextLink is not what it should be: for the faults that concern paging. */

import type { Answer } from "./https-server.ts";

/** The same answer with another nextLink; what is not a JSON object stays as it is. */
export function withNextLink(answer: Answer, nextLink: string): Answer {
  const body: unknown = answer.status === 200 ? JSON.parse(answer.body ?? "null") : null;
  if (typeof body !== "object" || body === null) return answer;
  return { ...answer, body: JSON.stringify({ ...body, nextLink }) };
}

export function linkToSecondPage(here: string): string {
  return `${here}${here.includes("?") ? "&" : "?"}%24skiptoken=never`;
}
