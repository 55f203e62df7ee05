/**
 * `npm run poison [-- --replay]`: shows what lies in the poison queues, or puts it back into the queues it came from.
 * Replaying is harmless: the truth is in the tables, and a message that is done already, or was never ours, changes nothing.
 *
 * Settings are the app's own (environment or local.settings.json).
 */

import { parseArgs } from "node:util";
import type { QueueClient } from "@azure/storage-queue";
import { openStorage } from "../shared/adapters/storage-clients.ts";
import { readSettings, SettingsError, type StorageSettings } from "../shared/config.ts";
import { applyLocalSettings } from "./functions-host/settings.ts";
import { StartupFault } from "./functions-host/startup-fault.ts";
import { Sentence } from "./sentence.ts";

const queues = ["activities", "changes"];
const mostShown = 32;
/** A message that is being put back and is not deleted in time comes back: twice is harmless. */
const hiddenSeconds = 60;

const isReplay = readOptions();
const storage = openStorage(readStorage().connection);
for (const name of queues) {
  const poison = await storage.queue(`${name}-poison`)();
  if (!(await poison.exists())) say(`${name}-poison: is not there, nothing was ever poisoned.`);
  else if (isReplay) say(`${name}-poison: ${await replay(poison, await storage.queue(name)())} put back.`);
  else await show(poison);
}

async function show(poison: QueueClient): Promise<void> {
  const { approximateMessagesCount = 0 } = await poison.getProperties();
  const { peekedMessageItems } = await poison.peekMessages({ numberOfMessages: mostShown });
  say(
    `${poison.name}: ${approximateMessagesCount}${approximateMessagesCount > mostShown ? `, the first ${mostShown}` : ""}.`,
  );
  for (const { insertedOn, messageText } of peekedMessageItems)
    say(`  ${insertedOn.toISOString()} ${described(messageText)}`);
}

/** Ids only: a message holds who switched what, and a forged one anything. */
function described(messageText: string): string {
  try {
    const message: unknown = JSON.parse(Buffer.from(messageText, "base64").toString());
    const { customerId, sequence, changeId } = message as Readonly<Record<string, unknown>>;
    const id = (value: unknown) => (/^[\da-f-]{1,36}$/.test(String(value)) ? String(value) : "?");
    return `customer ${id(customerId)} sequence ${id(sequence)} change ${id(changeId)}`;
  } catch {
    return "is not JSON: not one of ours";
  }
}

/** Sent first and deleted then, so that nothing is lost between. @returns how many; not those that come back meanwhile */
async function replay(poison: QueueClient, queue: QueueClient): Promise<number> {
  const { approximateMessagesCount = 0 } = await poison.getProperties();
  let done = 0;
  while (done < approximateMessagesCount) {
    const options = {
      numberOfMessages: Math.min(mostShown, approximateMessagesCount - done),
      visibilityTimeout: hiddenSeconds,
    };
    const { receivedMessageItems } = await poison.receiveMessages(options);
    if (receivedMessageItems.length === 0) break;
    for (const { messageId, popReceipt, messageText } of receivedMessageItems) {
      await queue.sendMessage(messageText);
      await poison.deleteMessage(messageId, popReceipt);
      done++;
    }
  }
  return done;
}

function readOptions(): boolean {
  try {
    return parseArgs({ options: { replay: { type: "boolean", default: false } } }).values.replay;
  } catch (error) {
    throw new Sentence(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function readStorage(): StorageSettings {
  try {
    applyLocalSettings(process.cwd());
    return readSettings(process.env).storage;
  } catch (cause) {
    if (cause instanceof SettingsError || cause instanceof StartupFault) throw new Sentence(cause.message, { cause });
    throw cause;
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
