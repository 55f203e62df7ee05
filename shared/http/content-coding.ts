/** Chooses the form of an answer that the caller can read: RFC 9110 §12.5.3. */

import type { RequestHeaders } from "./route.ts";

/** The smaller first. */
const compressed = ["br", "gzip"] as const;

/** Uncompressed unless the caller names a compression: `*` may be sent by who knows nothing of it. */
export function codingFor(headers: RequestHeaders): (typeof compressed)[number] | "identity" {
  const named = new Set<string>();
  for (const item of (headers.get("accept-encoding") ?? "").toLowerCase().split(",")) {
    const [coding = "", ...parameters] = item.split(";").map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) named.add(coding);
  }
  return compressed.find((coding) => named.has(coding)) ?? "identity";
}
