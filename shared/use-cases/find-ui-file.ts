/** Finds what a browser may load of the operators' page. */

import type { UiFile, UiFiles } from "../ports.ts";

/** @param path below the page's own address, and empty for the page itself; @returns undefined when nothing is there */
export type FindUiFile = (path: string) => Promise<UiFile | undefined>;

export function createFindUiFile(files: UiFiles): FindUiFile {
  return (path) => files.find(path === "" ? "index.html" : path);
}
