/**
 * `npm run connector`: writes connector/apiDefinition.swagger.json from what a running service answers: the one that is
 * named, `npm run connector -- https://<function app>`, else that of `npm start`, whose own address is no use to a
 * connector and becomes a placeholder.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readDocument } from "./service-document.ts";

/** Of a domain that nobody can register (RFC 2606): a token that is sent there by mistake arrives nowhere. */
const placeholderHost = "your-function-app.example";

const file = join(import.meta.dirname, "..", "connector", "apiDefinition.swagger.json");

const { document, isLocal } = await readDocument("swagger.json", process.argv[2]);
const address = isLocal ? { host: placeholderHost, schemes: ["https"] } : {};
await writeFile(file, `${JSON.stringify({ ...document, ...address }, null, 2)}\n`);
process.stdout.write(`Wrote ${file}.\n`);
