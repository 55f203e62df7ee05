/** GUIDs that mean the same thing in every run: derived from a name, so demo data and tests can be written down. */

import { createHash } from "node:crypto";

/** A stable GUID for a name. Case and surrounding blanks do not matter: "ADA" and "Ada" are one person. */
export function guidOf(name: string): string {
  const hex = createHash("sha256").update(name.trim().toLowerCase()).digest("hex");
  // Version and variant digits are set, so that strict GUID parsers accept it.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function isGuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
