/** Ends what global-setup.ts started and removes its folder. */

import { rm } from "node:fs/promises";

module.exports = async (): Promise<void> => {
  await globalThis.azuriteOfTests?.stop();
  if (process.env.TEST_FOLDER) await rm(process.env.TEST_FOLDER, { recursive: true, force: true });
};
