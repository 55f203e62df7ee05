/** A certificate for an application, signed by itself as operators make them. */

import type { webcrypto } from "node:crypto";

export async function selfSigned(
  algorithm: { readonly name: string; readonly namedCurve?: string } = { name: "RSASSA-PKCS1-v1_5" },
) {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  const signing = { hash: "SHA-256", ...(algorithm.namedCurve === undefined ? rsa : {}), ...algorithm };
  const keys = (await crypto.subtle.generateKey(signing, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=Partner Center application",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 60 * 60_000),
    keys,
    signingAlgorithm: signing,
  });
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return {
    certificate: `${made.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`,
  };
}
