/** What a callback URL may be, how a delivery is signed, and what follows from the receiver's answer. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Webhook as Receiver } from "standardwebhooks";
import { parseCallbackUrl, workflowHosts } from "../shared/domain/callback-url.ts";
import { grantChange } from "../shared/domain/change.ts";
import {
  backOff,
  type CallbackAnswer,
  deliveryIdOf,
  judge,
  newDelivery,
  notFoundFor,
  parseDeliveryId,
  revived,
  shownFailed,
  signedMessage,
  tryFor,
  wordOf,
} from "../shared/domain/delivery.ts";
import { untouchedCustomer } from "../shared/domain/permission.ts";
import { parseWebhookId, type WebhookId, wantsToKnow, webhookIdOf } from "../shared/domain/webhook.ts";
import { ada, contoso, fabrikam, idOf, noon } from "./fakes/facts.ts";

const own = ["hooks.example.com", "*.partner.example", "127.0.0.1", "localhost"];
const hosts = [...workflowHosts, ...own];

describe("a callback URL", () => {
  test.each([
    "https://prod-12.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=1&sig=a",
    "https://PROD-12.WestEurope.Logic.Azure.COM/workflows",
    "https://apim-1.azure-apim.net/x",
    "https://europe-001.flow.microsoft.com/x",
    "https://standard.azurewebsites.net/api/x?code=1",
    "https://1.environment.api.powerplatform.com/x",
    "https://hooks.example.com/",
    "https://a.b.partner.example/",
    "https://127.0.0.1:8443/x",
    "https://localhost:8443/x",
    `https://hooks.example.com/${"x".repeat(2022)}`,
  ])("may be %s", (text) => {
    expect(parseCallbackUrl(text, hosts)).toMatchObject({ href: new URL(text).href });
  });

  test.each<[unknown, RegExp]>([
    [undefined, /URL of at most 2048/],
    [1, /URL of at most 2048/],
    [`https://hooks.example.com/${"x".repeat(2023)}`, /URL of at most 2048/],
    ["", /https/],
    ["prod-1.westeurope.logic.azure.com", /https/],
    ["http://prod-1.westeurope.logic.azure.com/", /https/],
    ["ftp://prod-1.westeurope.logic.azure.com/", /https/],
    ["file:///etc/passwd", /https/],
    ["https://", /https/],
    ["https://user@prod-1.westeurope.logic.azure.com/", /user name/],
    ["https://:password@prod-1.westeurope.logic.azure.com/", /user name/],
    ["https://prod-1.westeurope.logic.azure.com@evil.example/", /user name/],
    ["https://evil.example/?.logic.azure.com", /list/],
    ["https://evil.example/#.logic.azure.com", /list/],
    ["https://evil.example\\.logic.azure.com/", /list/],
    ["https://logic.azure.com.evil.example/", /list/],
    ["https://evillogic.azure.com/", /list/],
    ["https://logic.azure.com/", /list/],
    ["https://x.logic.azure.com./", /list/],
    ["https://partner.example/", /list/],
    ["https://sub.hooks.example.com/", /list/],
    ["https://10.0.0.1/", /list/],
    ["https://169.254.169.254/metadata", /list/],
    ["https://2852039166/", /list/],
    ["https://127.0.0.2/", /list/],
    ["https://[::1]/", /list/],
    ["https://[::ffff:169.254.169.254]/", /list/],
    ["https://xn--logic-azure.com/", /list/],
    ["https://x.logic\u3002azure\u3002com:8443/", /port/],
    ["https://prod-1.westeurope.logic.azure.com:8443/", /port/],
    ["https://hooks.example.com:80/", /port/],
  ])("must not be %s", (text, why) => {
    const said = parseCallbackUrl(text, hosts);
    expect(said).toMatch(why);
    expect(said).not.toContain("evil");
  });

  test("of this machine needs the settings' leave", () => {
    for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
      expect(parseCallbackUrl(`https://${host}:1/`, workflowHosts)).toMatch(/list/);
      expect(parseCallbackUrl(`https://${host}:1/`, [host])).toMatchObject({ port: "1" });
    }
    expect(parseCallbackUrl("https://127.100.20.3:1/", ["127.100.20.3"])).toMatchObject({ port: "1" });
    for (const host of ["not-localhost", "localhost.example", "127.0.0.1.example", "x.localhost"]) {
      expect(parseCallbackUrl(`https://${host}:1/`, [host])).toMatch(/port/);
    }
  });
});

describe("ids", () => {
  test("of a webhook come from tenant, URL and customer, and from nothing else", () => {
    const id = webhookIdOf("tenant", "https://x/", contoso);
    expect(webhookIdOf("tenant", "https://x/", contoso)).toBe(id);
    const others = [
      webhookIdOf("tenant2", "https://x/", contoso),
      webhookIdOf("tenant", "https://x/2", contoso),
      webhookIdOf("tenant", "https://x/", fabrikam),
      webhookIdOf("tenant", "https://x/", undefined),
    ];
    expect(new Set([id, ...others]).size).toBe(5);
    expect(parseWebhookId(id)).toBe(id);
  });

  test.each([
    ...[undefined, 1, "", "x".repeat(32), "A".repeat(32), "a".repeat(31), `${"a".repeat(32)}'`, `'${"a".repeat(32)}`],
    { value: ["a".repeat(32)] },
  ])("%j is none of a webhook", (given) => {
    const value = typeof given === "object" ? given.value : given;
    expect(parseWebhookId(value)).toBeUndefined();
  });

  test("of a delivery are in the order of time, and parse", () => {
    const at = (time: number, sequence: number) =>
      deliveryIdOf({ at: new Date(time).toISOString(), customerId: contoso, sequence });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 0, max: 4e12 }), (one, other) => {
        expect(at(one, 1) < at(other, 1)).toBe(one < other);
        expect(parseDeliveryId(at(one, 12))).toBe(at(one, 12));
      }),
    );
    for (const wrong of [
      undefined,
      1,
      "",
      [at(1, 1)],
      `${at(1, 1)}0`,
      `0${at(1, 1)}`,
      at(1, 1).replace("-", "|"),
      at(1, 1).toUpperCase(),
    ]) {
      expect(parseDeliveryId(wrong)).toBeUndefined();
    }
  });
});

const evidence = { checkedAt: noon.toISOString(), subscriptions: [] };
const { activity } = grantChange(
  untouchedCustomer(contoso),
  { customerId: contoso, product: "azureReservations", state: "On" },
  { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "request-1", evidence },
);
const webhookId = "0123456789abcdef0123456789abcdef" as WebhookId;
const secret = `whsec_${Buffer.from("thirty-two bytes of a secret key").toString("base64")}`;
const delivery = newDelivery(webhookId, activity, noon);

test("a webhook wants to know of its customer, or of all", () => {
  const webhook = { id: webhookId, callbackUrl: "https://x/", secret, createdAt: "", createdBy: ada };
  expect(wantsToKnow(webhook, activity)).toBe(true);
  expect(wantsToKnow({ ...webhook, customerId: contoso }, activity)).toBe(true);
  expect(wantsToKnow({ ...webhook, customerId: fabrikam }, activity)).toBe(false);
});

test("a delivery is the activity without its evidence, due at once, and so it is when it is revived", () => {
  const { evidence: _, ...rest } = activity;
  expect(delivery).toEqual({
    ...{ webhookId, id: deliveryIdOf(activity), activity: rest },
    ...{ since: noon.toISOString(), attempts: 0, dueAt: noon.toISOString() },
  });
  const failedAt = "2026-03-04T12:00:00.000Z";
  const failed = { ...delivery, attempts: 9, failedAt, lastResult: "HTTP 500" };
  expect(revived(failed, noon)).toEqual(delivery);
  const shown = { id: delivery.id, activityId: activity.id, customerId: contoso, attempts: 9 };
  expect(shownFailed(failed)).toEqual({ ...shown, failedAt, lastResult: "HTTP 500" });
  expect(shownFailed({ ...delivery, attempts: 9 })).toEqual({
    ...{ ...shown, failedAt: delivery.dueAt, lastResult: "Unknown" },
  });
});

test("what is sent is accepted by the receivers of Standard Webhooks", () => {
  const now = new Date();
  const { headers, body } = signedMessage({ secret }, delivery, now);
  expect(new Receiver(secret).verify(body, headers)).toEqual({
    type: "permission.changed",
    timestamp: activity.at,
    data: delivery.activity,
  });
  expect(headers).toEqual({
    "content-type": "application/json",
    "webhook-id": activity.id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": expect.stringMatching(/^v1,/),
  });
  const forged = body.replace('"sequence":1', '"sequence":2');
  expect(forged).not.toBe(body);
  expect(() => new Receiver(secret).verify(forged, headers)).toThrow("No matching signature");
});

describe("what follows from an answer", () => {
  const judged = (
    answer: CallbackAnswer,
    { attempts = 1, sinceAgo = 0, failingFor }: { attempts?: number; sinceAgo?: number; failingFor?: number } = {},
  ) =>
    judge(
      answer,
      { attempts, since: new Date(noon.getTime() - sinceAgo).toISOString() },
      failingFor === undefined ? {} : { failingSince: new Date(noon.getTime() - failingFor).toISOString() },
      noon,
    );
  const again = (milliseconds: number) => ({ kind: "again", at: new Date(noon.getTime() + milliseconds) });

  test.each([200, 201, 202, 204, 299])("%i: delivered", (status) => {
    expect(judged({ status })).toEqual({ kind: "delivered" });
  });

  test.each([100, 300, 301, 302, 307, 400, 401, 403, 404, 408, 429, 500, 503])("%i: again", (status) => {
    expect(judged({ status })).toEqual(again(10_000));
  });

  test("no answer: again", () => {
    expect(judged({ failure: "Timeout" })).toEqual(again(10_000));
    expect(judged({})).toEqual(again(10_000));
  });

  test("410: the receiver is gone, and so it is when it was not found for an hour", () => {
    expect(judged({ status: 410 })).toEqual({ kind: "gone" });
    expect(judged({ status: 404 }, { failingFor: notFoundFor - 1 })).toEqual(again(10_000));
    expect(judged({ status: 404 }, { failingFor: notFoundFor })).toEqual({ kind: "gone" });
    expect(judged({ status: 500 }, { failingFor: notFoundFor })).toEqual(again(10_000));
  });

  test("the wait grows from ten seconds to twelve hours", () => {
    const seconds = [10, 60, 300, 1800, 7200, 21_600, 43_200, 43_200, 43_200];
    for (const [index, wait] of seconds.entries()) {
      expect(judged({ status: 500 }, { attempts: index + 1 })).toEqual(again(wait * 1000));
    }
    expect(backOff).toHaveLength(7);
    expect(judged({ status: 500 }, { attempts: 0 })).toEqual(again(0));
  });

  test.each<[string, number]>([
    ["0", 10],
    ["5", 10],
    ["120", 120],
    ["3600", 3600],
    ["86400", 3600],
    ["999999999999999999999", 3600],
    ["Sun, 01 Mar 2026 12:02:00 GMT", 120],
    ["Sun, 01 Mar 2026 11:00:00 GMT", 10],
    ["soon", 10],
    ["-5", 10],
  ])("Retry-After: %s is honoured up to an hour", (retryAfter, wait) => {
    expect(judged({ status: 429, retryAfter })).toEqual(again(wait * 1000));
  });

  test("after three days it is given up, and not before", () => {
    const wait = 43_200_000;
    expect(judged({ status: 500 }, { attempts: 9, sinceAgo: tryFor - wait })).toEqual(again(wait));
    expect(judged({ status: 500 }, { attempts: 9, sinceAgo: tryFor - wait + 1 })).toEqual({ kind: "givenUp" });
    expect(judged({ status: 200 }, { attempts: 9, sinceAgo: 10 * tryFor })).toEqual({ kind: "delivered" });
  });

  test("is told in a word", () => {
    expect([{ status: 500 }, { failure: "Timeout" }, {}].map(wordOf)).toEqual(["HTTP 500", "Timeout", "NoAnswer"]);
  });
});
