/** The `code` of a thrown value. Not by `instanceof Error`: under jest, Node's own errors come from another realm. */
export function errorCode(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
