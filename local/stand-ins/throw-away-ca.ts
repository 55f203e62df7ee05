/**
 * A certificate for 127.0.0.1, ::1 and localhost, signed by an authority made for the occasion: the Azure SDKs
 * refuse to send a bearer token over plain http. The authority's private key is forgotten as soon as it has signed
 * this one certificate, so trusting `ca.pem` never means trusting anything else.
 */

import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface ServerCertificate {
  /** What clients are told to trust, as `NODE_EXTRA_CA_CERTS` or `curl --cacert`. */
  readonly caFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const day = 24 * 60 * 60 * 1000;
const validDays = 90;
/** A run may last long: what ends within this time is made anew at start. */
const renewWhenDaysLeft = 14;

/** Reads the certificate kept in `folder`, or makes one there. */
export async function openCertificate(folder: string): Promise<ServerCertificate> {
  const caFile = join(folder, "ca.pem");
  return (await readCertificate(folder, caFile)) ?? (await makeCertificate(folder, caFile));
}

async function readCertificate(folder: string, caFile: string): Promise<ServerCertificate | undefined> {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(caFile, "utf8"),
      readFile(join(folder, "server.pem"), "utf8"),
      readFile(join(folder, "server.key"), "utf8"),
    ]);
    const server = new X509Certificate(cert);
    const usable =
      server.validToDate.getTime() - Date.now() > renewWhenDaysLeft * day &&
      server.validFromDate.getTime() <= Date.now() &&
      server.verify(new X509Certificate(ca).publicKey);
    return usable ? { caFile, ca, cert, key } : undefined;
  } catch {
    // Nothing there yet, or half of it, or something unreadable: a new one costs nothing.
    return undefined;
  }
}

async function makeCertificate(folder: string, caFile: string): Promise<ServerCertificate> {
  // Loaded only when needed: a second start finds the certificate on disk.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const serverKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  // A day back, for clocks that disagree (containers, WSL after sleep).
  const validity = { notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + validDays * day) };

  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=Throw-away CA of a local demo run",
    ...validity,
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=localhost",
    issuer: authority.subject,
    ...validity,
    publicKey: serverKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
        { type: "ip", value: "::1" },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", serverKeys.privateKey)).toString("base64");
  const made: ServerCertificate = {
    caFile,
    ca: `${authority.toString("pem")}\n`,
    cert: `${server.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`,
  };

  await mkdir(folder, { recursive: true, mode: 0o700 });
  await write(join(folder, "server.key"), made.key, 0o600);
  await write(join(folder, "server.pem"), made.cert, 0o644);
  await write(caFile, made.ca, 0o644);
  return made;
}

function serialNumber(): string {
  // The first byte stays below 0x80: a serial number is a positive integer.
  return `5a${crypto.randomUUID().replaceAll("-", "").slice(0, 30)}`;
}

/** Never a half-written file for somebody who reads at the same time. */
async function write(file: string, text: string, mode: number): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text, { mode });
  await rename(draft, file);
}
