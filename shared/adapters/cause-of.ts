/** What goes on of an SDK's error: it holds the request with what proved us, and its message quotes what was answered. */

import { foreignCode } from "../domain/foreign-words.ts";

/** @returns an error with name, status and code of the other, and nothing else of it */
export function causeOf(service: string, error: unknown): Error {
  const { name, statusCode, code } = error as { name?: unknown; statusCode?: unknown; code?: unknown };
  const told = {
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof statusCode === "number" ? { statusCode } : {}),
    ...(foreignCode(code) === undefined ? {} : { code: foreignCode(code) }),
  };
  const words = [told.statusCode ?? told.name ?? "no answer", told.code].filter((word) => word !== undefined);
  return Object.assign(new Error(`${service}: ${words.join(" ")}`), told);
}
