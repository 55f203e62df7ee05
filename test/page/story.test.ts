/** What the page is for, with the keyboard alone, in both languages; and who may only look. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { makeAssignment, roles, scopes } from "../../local/stand-ins/customer.ts";
import { guidOf } from "../../local/stand-ins/guid.ts";
import { openBrowser, openReader, type Reader } from "../harness/browser.ts";
import { type Product, startProduct } from "../harness/product.ts";

let product: Product;
let browser: Browser;
let reader: Reader;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ partnerCenterMode: "live", rounds: true }), openBrowser()]);
  await product.trigger("SynchroniseCustomers");
  await expect.poll(async () => (await product.call("GET", "/customers")).body.value.length).toBe(10);
}, 60_000);
afterEach(async () => {
  const faults = reader?.faults();
  await reader?.close();
  expect(faults).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});
