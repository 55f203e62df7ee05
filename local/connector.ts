/**
 * `npm run connector`: writes connector/apiDefinition.swagger.json from what a running service answers: the one that is
 * named, `npm run connector -- https://<function app>`, else that of `npm start`, whose own address is no use to a
 * connector and becomes a placeholder.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { portFrom } from "./demo-settings.ts";
import { Sentence } from "./sentence.ts";

/** Of a domain that nobody can register (RFC 2606): a token that is sent there by mistake arrives nowhere. */
const placeholderHost = "your-function-app.example";

const file = join(import.meta.dirname, "..", "connector", "apiDefinition.swagger.json");

const [named] = process.argv.slice(2);
const origin = originOf(named ?? `http://localhost:${portFrom(process.env)}`);
const document = await read(`${origin}/api/swagger.json`);
const address = named === undefined ? { host: placeholderHost, schemes: ["https"] } : {};
await writeFile(file, `${JSON.stringify({ ...document, ...address }, null, 2)}\n`);
process.stdout.write(`Wrote ${file}.\n`);

function originOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Sentence(`This is no address of a service: ${text}`);
  return url.origin;
}

async function read(url: string): Promise<object> {
  const answer = await fetch(url).catch((error: unknown) => {
    throw new Sentence(`Nothing answers at ${url}: run \`npm start\` in another terminal. (${String(error)})`);
  });
  if (!answer.ok) throw new Sentence(`${url} was answered ${answer.status}.`);
  return (await answer.json()) as object;
}
