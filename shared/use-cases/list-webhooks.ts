/** Lists the webhooks, without what is secret about them: oldest first. */

import { type ListedWebhook, listed } from "../domain/webhook.ts";
import type { Webhooks } from "../ports.ts";

export type ListWebhooks = () => Promise<readonly ListedWebhook[]>;

export function createListWebhooks(webhooks: Pick<Webhooks, "list">): ListWebhooks {
  return async () => {
    const all = [...(await webhooks.list())].sort((one, other) => one.createdAt.localeCompare(other.createdAt));
    return all.map(listed);
  };
}
