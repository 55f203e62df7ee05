/**
 * The local issuer's RSA keys, kept in a folder: tokens survive a restart, and `npm run token` can sign without the
 * server. Rotation works as in Entra: a new key signs at once, the old one may stay published for a while.
 */

import { createPublicKey, generateKeyPairSync, type JsonWebKey, randomBytes } from "node:crypto";
import { link, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { refuseInAzure } from "../not-in-azure.ts";
import { errorCode } from "./error-code.ts";

export interface SigningKey {
  readonly kid: string;
  readonly privateJwk: JsonWebKey;
}

export interface SigningKeys {
  readonly current: SigningKey;
  /** Everything the JWKS document shows, newest first. */
  readonly published: readonly SigningKey[];
  /** Everything ever used here: what was signed before a rotation stays valid for our own stand-ins. */
  readonly known: readonly SigningKey[];
  rotate(options?: { readonly keepOld?: boolean }): Promise<void>;
}

export async function openSigningKeys(folder: string): Promise<SigningKeys> {
  refuseInAzure("The local issuer");
  const file = join(folder, "issuer-keys.json");
  let published = await readOrMake(folder, file);
  let known = published;
  return {
    get current() {
      return first(published);
    },
    get published() {
      return published;
    },
    get known() {
      return known;
    },
    async rotate({ keepOld = true } = {}) {
      const fresh = makeSigningKey();
      published = keepOld ? [fresh, ...published] : [fresh];
      known = [fresh, ...known];
      const draft = `${file}.${process.pid}`;
      await writeFile(draft, JSON.stringify(published), { mode: 0o600 });
      await rename(draft, file);
    },
  };
}

export function makeSigningKey(kid: string = randomBytes(20).toString("base64url")): SigningKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { kid, privateJwk: privateKey.export({ format: "jwk" }) };
}

export function publicJwk({ privateJwk: { kty, n, e } }: SigningKey): JsonWebKey & { kty: string } {
  return { kty: kty ?? "RSA", ...(n === undefined ? {} : { n }), ...(e === undefined ? {} : { e }) };
}

export function publicPem(key: SigningKey): string {
  return createPublicKey({ key: publicJwk(key), format: "jwk" })
    .export({ type: "spki", format: "pem" })
    .toString();
}

async function readOrMake(folder: string, file: string): Promise<readonly SigningKey[]> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as readonly SigningKey[];
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  const made = [makeSigningKey()];
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, JSON.stringify(made), { mode: 0o600 });
  try {
    // A link, unlike a rename, never replaces: of `npm start` and `npm run token` started together one makes the key.
    await link(draft, file);
    return made;
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    return JSON.parse(await readFile(file, "utf8")) as readonly SigningKey[];
  } finally {
    await unlink(draft);
  }
}

function first(keys: readonly SigningKey[]): SigningKey {
  const [key] = keys;
  if (key === undefined) throw new Error("The issuer has no signing key: delete its folder and start again.");
  return key;
}
