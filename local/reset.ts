/** `npm run reset`: forgets everything the local run has kept, from stored permissions to the certificate. */

import { rm } from "node:fs/promises";
import { Sentence } from "./sentence.ts";
import { runningStart, stateFolder } from "./state.ts";

const running = runningStart();
if (running !== undefined)
  throw new Sentence(`npm start is running here (process ${running}): stop it first, then reset.`);
await rm(stateFolder, { recursive: true, force: true });
process.stdout.write(`${stateFolder} is gone; npm start begins afresh.\n`);
