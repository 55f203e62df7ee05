/** Stand-ins believe anybody and forge any token. Where the real services are, they do not start, whoever starts them. */

import { runsInAzure } from "../shared/config.ts";
import { Sentence } from "./sentence.ts";

/** @throws Sentence when this process runs in Azure */
export function refuseInAzure(what: string): void {
  if (runsInAzure(process.env)) throw new Sentence(`${what} does not start in Azure: it is for development only.`);
}
