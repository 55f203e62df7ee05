/**
 * Entity tags: a hash of what they tag, one per customer and product. The id of the last change is part of
 * it, so a switch that was moved there and back has another tag than before. What is read while a change is under way
 * has a tag of its own, for it reads differently; but the switch has not moved, and `If-Match` asks about nothing else.
 */

import { createHash } from "node:crypto";
import type { ShownPermission } from "../domain/permission.ts";
import { invalidRequest } from "../domain/refusal.ts";
import type { RequestHeaders } from "./route.ts";

export function etagOf(permission: ShownPermission): string {
  const { customerId, product, state, changeId, pending } = permission;
  const hash = createHash("sha256").update([customerId, product, state, changeId].join("|")).digest("hex");
  return `"${hash.slice(0, 32)}${pending === undefined ? "" : `;${pending.changeId}`}"`;
}

const entityTag = /(?:W\/)?"[\x21\x23-\x7e]*"/;
const entityTags = new RegExp(`^(\\*|${entityTag.source}(\\s*,\\s*${entityTag.source})*)$`);

/**
 * @param name `If-Match` or `If-None-Match`
 * @returns whether a tag is among those of the header; undefined without header. A weak tag never matches for
 * `If-Match`, and like a strong one for `If-None-Match` (RFC 9110 §13.1.1 and 2: compression on the way makes tags weak).
 * For `If-Match` a tag of what was under way counts as that of the switch alone
 * @throws Refusal `InvalidRequest` when the header is malformed
 */
export function tagsOf(headers: RequestHeaders, name: string): ((etag: string) => boolean) | undefined {
  const text = headers.get(name)?.trim();
  if (text === undefined) return undefined;
  if (!entityTags.test(text)) invalidRequest(name, `${name} must be * or entity tags in double quotes.`);
  if (text === "*") return () => true;
  const tags: readonly string[] = text.match(new RegExp(entityTag, "g")) ?? [];
  if (name === "If-None-Match") return (etag) => tags.includes(etag) || tags.includes(`W/${etag}`);
  const ofSwitches = tags.map((tag) => tag.replace(/;.*"$/, '"'));
  return (etag) => ofSwitches.includes(etag);
}
