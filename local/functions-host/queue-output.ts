/** Queue output bindings: what a function put out becomes messages (host: FunctionBinding.ReadAsEnumerable). */

import type { OutputSender } from "./invoker.ts";
import { queueService } from "./queue-connection.ts";
import type { BindingInfo, TypedData } from "./rpc.ts";
import { resolveSettings } from "./settings.ts";

/** Storage refuses more than 64 KiB; Azurite does not. */
const largestMessage = 65_536;

export class QueueOutput {
  readonly #encode: (body: Buffer) => string;
  readonly #onSent: (queueName: string) => void;

  constructor(encoding: "base64" | "none", onSent: (queueName: string) => void) {
    this.#encode = (body) => body.toString(encoding === "none" ? "utf8" : "base64");
    this.#onSent = onSent;
  }

  readonly sendFor: OutputSender = async (fn, bindingName, data) => {
    const binding = fn.metadata.bindings[bindingName];
    if (binding?.type.toLowerCase() !== "queue") {
      throw new Error(`This host has queue outputs, but no '${binding?.type}'.`);
    }
    await this.#send(binding, data);
  };

  async #send(binding: BindingInfo, data: TypedData): Promise<void> {
    const service = await queueService(String(binding.connection ?? "AzureWebJobsStorage"));
    const queue = service.getQueueClient(resolveSettings(String(binding.queueName ?? "")));
    for (const body of messagesOf(data)) {
      const text = this.#encode(body);
      if (text.length > largestMessage) throw new Error(`A message for queue '${queue.name}' is larger than 64 KiB.`);
      await queue.sendMessage(text).catch(async (error: unknown) => {
        if (!isQueueNotFound(error)) throw error;
        await queue.createIfNotExists();
        await queue.sendMessage(text);
      });
    }
    this.#onSent(queue.name);
  }
}

/** Only an array of strings, or bytes, is sent as it is; an object is written as indented JSON, even out of a string. */
function messagesOf(data: TypedData): Buffer[] {
  if (data.bytes) return [Buffer.from(data.bytes)];
  const value: unknown = data.json ? JSON.parse(data.json) : parseContainer(data.string ?? data.int ?? data.double);
  const items = Array.isArray(value) ? value : [value];
  return items.map((item) =>
    Buffer.from(typeof item === "object" && item !== null ? JSON.stringify(item, null, 2) : String(item)),
  );
}

function parseContainer(value: unknown): unknown {
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function isQueueNotFound(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "QueueNotFound";
}
