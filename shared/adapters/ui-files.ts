/** The files of the operators' page, as the build has left them beside the app. */

import { readFile } from "node:fs/promises";
import type { UiFile, UiFiles } from "../ports.ts";
import { once } from "./once.ts";

/** `files.json`: what may be served, by name. The build writes it (local/ui-bundle.ts). */
export type UiManifest = Readonly<Record<string, Pick<UiFile, "mediaType" | "hash" | "isImmutable">>>;

const endings = { br: ".br", gzip: ".gz", identity: "" } as const;

/**
 * Reads nothing before it is asked. A name leads to a file only when it is in the list, so none leads anywhere else.
 *
 * @param folder ends with a slash
 */
export function createUiFiles(folder: URL): UiFiles {
  const manifest = once(async () => {
    const text = await readFile(new URL("files.json", folder), "utf8");
    return new Map(Object.entries(JSON.parse(text) as UiManifest));
  });
  return {
    async find(name) {
      const entry = (await manifest()).get(name);
      if (entry === undefined) return undefined;
      return { ...entry, read: (coding) => readFile(new URL(`${name}${endings[coding]}`, folder)) };
    },
  };
}
