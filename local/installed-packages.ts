/** Where a package and all that it depends on lie, by the lockfile. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** @returns folders such as "node_modules/a/node_modules/b", also of optional packages that are not installed here */
export async function placesOf(root: string, name: string): Promise<ReadonlySet<string>> {
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }>;
  };
  const places = new Set<string>();
  const visit = (name: string, from: string) => {
    // Node's own way: the nearest node_modules going up.
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const place = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
      const found = packages[place];
      if (found === undefined) {
        if (at === "") return;
        continue;
      }
      if (places.has(place)) return;
      places.add(place);
      for (const next of Object.keys({ ...found.dependencies, ...found.optionalDependencies })) visit(next, place);
      return;
    }
  };
  visit(name, "");
  return places;
}
