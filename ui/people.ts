/** How whoever did something is called. */

import type { Actor } from "../shared/domain/permission.ts";
import type { Words } from "./words.ts";

export function whoIs(actor: Actor | null, words: Words): string {
  if (actor === null) return "";
  const name = actor.name ?? actor.objectId;
  return actor.kind === "Application" ? words.activities.application(name) : name;
}
