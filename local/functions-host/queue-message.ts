/** A received message as the worker gets it: decoded text and trigger metadata (host: QueueTriggerBinding.cs). */

import type { DequeuedMessageItem } from "@azure/storage-queue";
import type { TypedData } from "./rpc.ts";

/** undefined: not base64. .NET allows white space between the letters and insists on the padding. */
export function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/\s+/g, "");
  return compact.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(compact)
    ? Buffer.from(compact, "base64")
    : undefined;
}

/** Throws when the bytes are not UTF-8, which fails the invocation as it does on the real host. */
export function decodeUtf8(body: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
}

export type MessageFacts = Pick<
  DequeuedMessageItem,
  "messageId" | "popReceipt" | "dequeueCount" | "insertedOn" | "expiresOn" | "nextVisibleOn"
>;

export function triggerMetadata(text: string, facts: MessageFacts | undefined): Record<string, TypedData> {
  const never = new Date(253_402_300_799_000);
  const metadata: Record<string, TypedData> = {
    QueueTrigger: { string: text },
    DequeueCount: { json: String(facts?.dequeueCount ?? 0) },
    ExpirationTime: time(facts?.expiresOn ?? never),
    InsertionTime: time(facts?.insertedOn ?? new Date()),
    NextVisibleTime: time(facts?.nextVisibleOn ?? never),
    ...(facts && { Id: { string: facts.messageId }, PopReceipt: { string: facts.popReceipt } }),
  };
  for (const [name, value] of Object.entries(topLevelProperties(text))) {
    const present = Object.keys(metadata).find((key) => key.toLowerCase() === name.toLowerCase());
    metadata[present ?? name] = value;
  }
  return metadata;
}

/** A JSON message overwrites even `Id` and `DequeueCount` with its own properties (host: Utility.ApplyBindingData). */
function topLevelProperties(text: string): Record<string, TypedData> {
  const properties: Record<string, TypedData> = Object.create(null);
  for (const [name, value] of Object.entries(parseObject(text))) {
    if (value === null || Array.isArray(value)) continue;
    if (typeof value === "object") properties[name] = { json: JSON.stringify(value) };
    else properties[name] = { string: typeof value === "boolean" ? (value ? "True" : "False") : String(value) };
  }
  return properties;
}

function parseObject(text: string): object {
  if (!/^\s*\{.*\}\s*$/s.test(text)) return {};
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function time(date: Date): TypedData {
  return { json: JSON.stringify(`${date.toISOString().slice(0, 19)}+00:00`) };
}
