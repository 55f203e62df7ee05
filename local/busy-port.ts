/** Finds out before anything is started whether all ports are free: a sentence instead of a half-started run. */

import { createServer } from "node:net";
import type { DemoPorts } from "./demo-settings.ts";
import { errorCode } from "./stand-ins/error-code.ts";

const users: Readonly<Record<keyof DemoPorts, string>> = {
  app: "the Functions app",
  entra: "the Entra stand-in",
  arm: "the Azure Resource Manager stand-in",
  partnerCenter: "the Partner Center stand-in",
  queue: "Azurite's queues",
  table: "Azurite's tables",
  blob: "Azurite's blobs",
  browserDoor: "the Entra stand-in's door for browsers",
};

/** The sentence about the first port that somebody else has, or undefined. */
export async function describeBusyPort(ports: DemoPorts): Promise<string | undefined> {
  for (const [name, port] of Object.entries(ports) as [keyof DemoPorts, number][]) {
    // Both families: a server on ::1 alone would still get what is sent to localhost.
    if ((await isFree(port, "127.0.0.1")) && (await isFree(port, "::1"))) continue;
    return `Port ${port} is in use by another program, and ${users[name]} needs it: stop that program, or choose eight other ports in a row with PORT (now ${ports.app}).`;
  }
  return undefined;
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // Any other error, such as a machine without IPv6, is no reason to refuse.
    probe.once("error", (error) => resolve(!["EADDRINUSE", "EACCES"].includes(String(errorCode(error)))));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}
