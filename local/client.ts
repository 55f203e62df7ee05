/**
 * `npm run client`: writes docs/examples/permissions-client.ts from what a running service answers: the one that is
 * named, `npm run client -- https://<function app>`, else that of `npm start`.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clientSourceOf, type Document } from "./client-source.ts";
import { readDocument } from "./service-document.ts";

const file = join(import.meta.dirname, "..", "docs", "examples", "permissions-client.ts");

const { document } = await readDocument("openapi.json", process.argv[2]);
await writeFile(file, await clientSourceOf(document as Document));
process.stdout.write(`Wrote ${file}.\n`);
