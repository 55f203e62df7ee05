/** A document that a running service answers about itself. */

import { portFrom } from "./demo-settings.ts";
import { Sentence } from "./sentence.ts";

/**
 * @param address of a service; undefined: that of `npm start`
 * @throws Sentence when it is no address, or nothing answers there
 */
export async function readDocument(
  name: "openapi.json" | "swagger.json",
  address: string | undefined,
): Promise<{ readonly document: object; readonly isLocal: boolean }> {
  const url = `${originOf(address ?? `http://localhost:${portFrom(process.env)}`)}/api/${name}`;
  const answer = await fetch(url).catch((error: unknown) => {
    throw new Sentence(`Nothing answers at ${url}: run \`npm start\` in another terminal. (${String(error)})`);
  });
  if (!answer.ok) throw new Sentence(`${url} was answered ${answer.status}.`);
  return { document: (await answer.json()) as object, isLocal: address === undefined };
}

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Sentence(`This is no address of a service: ${text}`);
  return url.origin;
}
