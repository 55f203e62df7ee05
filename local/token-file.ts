/** A secret in a file that only its owner can read, put there whole or not at all. */

import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { access, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { Sentence } from "./sentence.ts";

/** @throws Sentence when it could not be written there; better before somebody has signed in than after */
export async function expectWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) throw new Sentence(`--out must be a file; ${path} is a folder.`);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new Sentence(`The folder ${folder} for --out is not there, or cannot be written to.`, { cause });
  });
}

/** What was there before is replaced, and whatever its mode was, the new file has 0600. */
export async function writeTokenFile(path: string, token: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, token, { mode: 0o600, flag: "wx" });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
