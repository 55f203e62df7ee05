/** A folder for the stand-ins of one test file, with a certificate that this process trusts until it is over. */

import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { openCertificate, type ServerCertificate } from "../../local/stand-ins/throw-away-ca.ts";

export interface OwnCertificate {
  /** Of the test file. The certificate is in its folder `tls`. */
  readonly folder: string;
  readonly certificate: ServerCertificate;
  /** Takes the trust back and removes the folder. */
  remove(): Promise<void>;
}

/** @param name tells the folder from others; call this once in a test file */
export async function makeOwnCertificate(name: string): Promise<OwnCertificate> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", `${name}-`));
  const certificate = await openCertificate(join(folder, "tls"));
  const distrust = trust(certificate.ca);
  return {
    ...{ folder, certificate },
    async remove() {
      distrust();
      await rm(folder, { recursive: true });
    },
  };
}

/** @returns takes the trust back */
export function trust(ca: string): () => void {
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, ca]);
  return () => setDefaultCACertificates(before);
}
