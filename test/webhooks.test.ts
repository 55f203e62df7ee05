/** Webhooks at the door: who may have them, where they may lead, and that what is secret about them stays so. */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type Product, startProduct } from "./harness/product.ts";

let product: Product;
beforeAll(async () => {
  product = await startProduct({ settings: { WEBHOOK_HOSTS: "hooks.example.com,127.0.0.1" } });
});
afterAll(() => product?.stop());

const callbackUrl = "https://hooks.example.com/a?sig=s3cret";
const subscribe = (body: object, call = {}) => product.call("POST", "/webhooks", { body, ...call });
const list = async () => (await product.call("GET", "/webhooks")).body.value;
const customerId = "c0000001-0000-4000-8000-000000000001";

describe("a subscription", () => {
  test("is made, found again, listed without its secrets, and removed by id, twice", async () => {
    const made = await subscribe({ callbackUrl, customerId: customerId.toUpperCase() });
    const { id } = made.body;
    expect([made.status, made.headers.get("location")]).toEqual([201, `${product.url}/api/webhooks/${id}`]);
    expect(made.body).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{32}$/), callbackHost: "hooks.example.com", customerId },
      createdAt: expect.stringMatching(/Z$/),
      createdBy: expect.objectContaining({ kind: "User" }),
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(await subscribe({ callbackUrl, customerId })).toMatchObject({ status: 201, body: made.body });
    const { secret: _, ...shown } = made.body;
    expect(await list()).toEqual([shown]);

    for (const _ of ["there", "gone"]) {
      const { status, body } = await product.call("DELETE", `/webhooks/${id}`);
      expect([status, body]).toEqual([204, undefined]);
    }
    expect(await list()).toEqual([]);
  });

  test("is removed by its callback URL, twice, and another is not", async () => {
    await subscribe({ callbackUrl });
    await subscribe({ callbackUrl, customerId });
    const other = await subscribe({ callbackUrl: `${callbackUrl}2` });
    for (const _ of ["there", "gone"]) {
      const { status, body } = await product.call("POST", "/webhooks/unsubscribe", { body: { callbackUrl } });
      expect([status, body]).toEqual([204, undefined]);
    }
    expect((await list()).map(({ id }: { id: string }) => id)).toEqual([other.body.id]);
    await product.call("DELETE", `/webhooks/${other.body.id}`);
  });

  test("needs an Admin Agent to be made or removed, and any agent to be seen", async () => {
    const token = await product.token({ roles: ["HelpdeskAgent"] });
    const statuses = [
      await subscribe({ callbackUrl }, { token }),
      await product.call("DELETE", `/webhooks/${"0".repeat(32)}`, { token }),
      await product.call("POST", "/webhooks/unsubscribe", { body: { callbackUrl }, token }),
      await product.call("GET", "/webhooks", { token }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 403, 200]);
  });

  test.each<[string, object]>([
    ["to no URL", { callbackUrl: "hooks.example.com" }],
    ["to nothing", {}],
    ["over http", { callbackUrl: "http://hooks.example.com/?sig=s3cret" }],
    ["to another host", { callbackUrl: "https://evil.example/?sig=s3cret" }],
    ["to a host that only looks like one", { callbackUrl: "https://x.logic.azure.com.evil.example/?sig=s3cret" }],
    ["with a user name", { callbackUrl: "https://hooks.example.com@evil.example/?sig=s3cret" }],
    ["to another port", { callbackUrl: "https://hooks.example.com:8443/?sig=s3cret" }],
    ["to the metadata of the machine", { callbackUrl: "https://169.254.169.254/metadata?sig=s3cret" }],
    ["to an address in a private network", { callbackUrl: "https://10.0.0.4/?sig=s3cret" }],
    ["to a longer URL", { callbackUrl: `https://hooks.example.com/?sig=s3cret${"x".repeat(2048)}` }],
    ["of no customer", { callbackUrl, customerId: "contoso" }],
    ["with more than is known", { callbackUrl, secret: "mine" }],
  ])("is refused %s", async (_, body) => {
    const { status, body: said } = await subscribe(body);
    expect([status, said.error.code]).toEqual([400, "InvalidRequest"]);
    expect(JSON.stringify(said)).not.toContain("s3cret");
    expect(await list()).toEqual([]);
  });

  test("is not removed by what is no id or no URL", async () => {
    const { status, body } = await product.call("DELETE", "/webhooks/1'%20or");
    expect([status, body.error.target]).toEqual([400, "webhookId"]);
    const unsubscribed = await product.call("POST", "/webhooks/unsubscribe", { body: { callbackUrl: 1 } });
    expect([unsubscribed.status, unsubscribed.body.error.target]).toEqual([400, "callbackUrl"]);
  });
});

test("no callback URL and no secret of a webhook was ever printed", () => {
  expect(product.output.join("\n")).not.toMatch(/s3cret|whsec_/);
});
