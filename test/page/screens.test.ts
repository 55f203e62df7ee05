/** Every screen, in both languages and both themes: nothing that gets in a reader's way, whatever the reader's needs. */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { openBrowser, openReader, type Reader } from "../harness/browser.ts";
import { eventually } from "../harness/ledger.ts";
import { writeFleet } from "../harness/page-fleet.ts";
import { demoFleet } from "../harness/page-demo-fleet.ts";
import { type Product, startProduct } from "../harness/product.ts";

const languages = ["en", "ja"] as const;
const themes = ["light", "dark"] as const;

let product: Product;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ partnerCenterMode: "live" }), openBrowser()]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

interface Scene {
  readonly name: string;
  readonly open: (reader: Reader) => Promise<unknown>;
}

const at = (hash: string, ready: string) => async ({ page }: Reader) => {
  await page.evaluate((to) => { location.hash = to; }, hash);
  await page.locator(ready).first().waitFor();
};
const customer = (name: string, result: string) => async (reader: Reader) => {
  await at(`#/customers/${product.customer(name).tenantId}`, `.checks li[data-result="${result}"]`)(reader);
  await reader.page.locator(".timeline-area:not([aria-busy]) > *").waitFor();
  await reader.page.locator(".activities-area:not([aria-busy]) > *").waitFor();
};

const scenes: Scene[] = [
  { name: "customers", open: at("#/customers", "tbody tr") },
  { name: "customers-drift", open: at("#/customers?show=drift", "tbody tr") },
  { name: "customers-no-match", open: at("#/customers?search=nobody", ".empty") },
  { name: "customer-eligible", open: customer("Contoso", "Passed") },
  { name: "customer-not-eligible", open: customer("Adatum", "Failed") },
  { name: "customer-inconclusive", open: customer("Proseware", "Inconclusive") },
  { name: "guidance", open: at("#/guidance", ".letter") },
  { name: "log", open: at("#/activities", "tbody tr") },
];

describe.each(languages)("in %s", (language) => {
  let reader: Reader;
  beforeAll(async () => {
    if (language === "en") await writeFleet(product.connectionString, demoFleet(product));
    reader = await openReader(browser, product, { language });
    await reader.signIn("Ada");
  });
  afterAll(() => reader?.close());

  test.each(scenes)("$name", async ({ name, open }) => {
    await open(reader);
    const { page } = reader;
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      const found = await reader.axe();
      await reader.shoot(`${name}-${language}-${theme}`);
      expect(found).toEqual([]);
    }
    for (const width of [360, 768, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      if (language === "en" && width===360) await reader.shoot(`${name}-${language}-${width}`);
    }
    await page.setViewportSize({ width: 1200, height: 900 });
    expect(reader.faults()).toEqual([]);
  });
});
