/** Every screen, in both languages and both themes: nothing stands in the way of a reader, whatever the reader needs. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser } from "playwright-core";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { openBrowser, openReader, type Reader } from "../harness/browser.ts";
import { demoFleet } from "../harness/page-demo-fleet.ts";
import { writeFleet } from "../harness/page-fleet.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { foreignWords, hiddenTexts, outlineOf, textsOf } from "./texts.ts";

const languages = ["en", "ja"] as const;
const widths = [360, 768, 1920];
/** Of a window of 1200 pixels at 200 %. */
const zoomed = 600;
/** For README, with UPDATE_DOCS=1. */
const pictures: Readonly<Record<string, string>> = {
  "customers-en-light": "customers",
  "customer-not-eligible-en-light": "customer-not-eligible",
  "dialog-on-en-light": "turn-on",
  "customers-ja-dark": "customers-ja-dark",
};
const pictureFolder = "docs/images";
const mostPictureBytes = 150_000;

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
  readonly leave?: (reader: Reader) => Promise<unknown>;
}

const goTo = (hash: string, ready: string) => async (reader: Reader) => {
  const { page } = reader;
  await page.evaluate((to) => location.assign(to), hash);
  await page.locator(ready).first().waitFor();
  await page.waitForFunction(() => document.querySelector("main [aria-busy=true], main .progress") === null);
};
const customer = (name: string, result: string) => (reader: Reader) =>
  goTo(`#/customers/${product.customer(name).tenantId}`, `.checks li[data-result="${result}"]`)(reader);
const dialog = (name: string, result: string) => async (reader: Reader) => {
  await customer(name, result)(reader);
  await reader.switchOf("azureReservations").click();
  await reader.page.getByRole("alertdialog").waitFor();
};
const cancel = ({ page }: Reader) => page.locator('fluent-dialog fluent-button[slot="action"]').first().click();

const beforeAnybody: readonly Scene[] = [
  { name: "customers-none", open: goTo("#/customers", ".customers-area .empty") },
  { name: "log-empty", open: goTo("#/activities", ".activities-area .empty") },
];
const scenes: readonly Scene[] = [
  { name: "customers", open: goTo("#/customers", "tbody tr") },
  { name: "customers-drift", open: goTo("#/customers?show=drift", "tbody tr") },
  { name: "customers-no-match", open: goTo("#/customers?search=nobody", ".customers-area .empty") },
  { name: "customer-eligible", open: customer("Contoso", "Passed") },
  { name: "customer-not-eligible", open: customer("Adatum", "Failed") },
  { name: "customer-inconclusive", open: customer("Proseware", "Inconclusive") },
  { name: "customer-drift", open: customer("Tailspin Toys", "Passed") },
  { name: "dialog-on", open: dialog("Northwind Traders", "Passed"), leave: cancel },
  { name: "dialog-off", open: dialog("Contoso", "Passed"), leave: cancel },
  { name: "guidance", open: goTo("#/guidance", ".letter") },
  { name: "log", open: goTo("#/activities", "tbody tr") },
  { name: "log-nothing", open: goTo("#/activities?to=2020-01-01", ".activities-area .empty") },
  {
    name: "problem",
    open: async (reader) => {
      product.storage.fate = () => ({ status: 403 });
      await goTo("#/customers?search=problem", ".customers-area .problem")(reader);
    },
    leave: async () => {
      product.storage.fate = () => "forward";
    },
  },
];

/** Names, ids, addresses and what is called the same in Japanese. */
const sameInJapanese = new Set([
  ...["Ada", "Dan", "Kenji", "Mina", "kim", "English", "Azure", "Microsoft", "Entra", "ID", "CSP", "CSV", "NDJSON"],
  ...["portal", "Privileged", "Identity", "Management"],
]);

async function examine(reader: Reader, scene: Scene): Promise<void> {
  try {
    await look(reader, scene);
  } finally {
    await scene.leave?.(reader);
  }
  expect(reader.faults()).toEqual([]);
}

async function look(reader: Reader, { name, open }: Scene): Promise<void> {
  const { page, language } = reader;
  const words = { en: english, ja: japanese }[language];
  await open(reader);

  const outline = await page.evaluate(outlineOf);
  expect(outline).toMatchObject({ language, main: 1, banner: 1, jumps: [] });
  expect(outline.firstHeadings).toHaveLength(1);
  expect(outline.title).toBe([...new Set([outline.firstHeadings[0], words.title])].join(" – "));

  const texts = await page.evaluate(textsOf);
  if (language === "ja") {
    const own = demoFleet(product).flatMap(({ name, domain, turned = [] }) => [
      ...[name, domain],
      ...turned.flatMap(({ reason }) => reason ?? []),
    ]);
    expect(foreignWords(texts, own).filter((word) => !sameInJapanese.has(word))).toEqual([]);
  }

  for (const theme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: theme });
    // What is there is the same in both.
    const violations = await reader.axe(theme === "light" ? "all" : "colours");
    // Each screen once in each language and each theme.
    if ((language === "en") === (theme === "light")) await reader.shoot(`${name}-${language}-${theme}`);
    expect({ theme, violations }).toEqual({ theme, violations: [] });
    const picture = pictures[`${name}-${language}-${theme}`];
    if (picture !== undefined && process.env.UPDATE_DOCS === "1") {
      await page.screenshot({ path: `${pictureFolder}/${picture}.png` });
    }
  }
  await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
  expect(await page.evaluate(textsOf)).toEqual(texts);
  if (language === "en") await reader.shoot(`${name}-forced`);
  await page.emulateMedia({ forcedColors: "none" });

  for (const width of [...widths, zoomed]) {
    await page.setViewportSize({ width, height: width === zoomed ? 450 : 900 });
    if (width === 360 && language === "en") await reader.shoot(`${name}-360`);
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect({ width, scrolls, hidden: await page.evaluate(hiddenTexts) }).toEqual({ width, scrolls: false, hidden: [] });
    expect(await page.evaluate(textsOf)).toEqual(texts);
  }
  await page.setViewportSize({ width: 1200, height: 900 });
}

describe.each(languages)("in %s", (language) => {
  test("who is not signed in, and who has no role", async () => {
    const reader = await openReader(browser, product, { language });
    await examine(reader, {
      name: "sign-in",
      open: async ({ page }) => {
        await page.goto(product.pageUrl);
        await page.locator(".sign-in").waitFor();
      },
    });
    await examine(reader, { name: "no-role", open: () => reader.signIn("Dan") });
    await reader.close();
  });

  test("where nothing is known yet", async () => {
    const reader = await openReader(browser, product, { language });
    await reader.signIn("Ada");
    for (const scene of beforeAnybody) await examine(reader, scene);
    await reader.close();
  });
});

describe("with forty customers", () => {
  beforeAll(async () => {
    await writeFleet(product.connectionString, demoFleet(product));
  });

  describe.each(languages)("in %s", (language) => {
    let reader: Reader;
    beforeAll(async () => {
      reader = await openReader(browser, product, { language });
      await reader.signIn("Ada");
    });
    afterAll(() => reader?.close());

    test.each(scenes)("$name", (scene) => examine(reader, scene));
  });

  describe("and a change that Partner Center does not confirm", () => {
    beforeAll(async () => {
      product.partnerCenter.behaviour.writesDoNothing = true;
      const { tenantId } = product.customer("Northwind Traders");
      const path = `/customers/${tenantId}/permissions/azureReservations`;
      expect((await product.call("PUT", path, { body: { state: "On" } })).status).toBe(202);
    });
    afterAll(() => {
      product.partnerCenter.behaviour.writesDoNothing = false;
    });

    test.each(languages)("in %s", async (language) => {
      const reader = await openReader(browser, product, { language });
      await reader.signIn("Ada");
      await examine(reader, {
        name: "customers-pending",
        open: goTo("#/customers?search=Northwind", 'td fluent-badge[color="warning"]'),
      });
      await examine(reader, {
        name: "customer-pending",
        open: async ({ page }) => {
          await page.locator("tbody th a").click();
          await page.locator(".pending fluent-button").waitFor();
          await page.locator('.checks li[data-result="Passed"]').first().waitFor();
        },
      });
      await reader.close();
    });
  });

  test.each([
    [1200, "Adatum", "Failed"],
    [1200, "Contoso", "Passed"],
    [360, "Adatum", "Failed"],
  ])("nothing jumps while customers and a customer load, %i pixels wide: %s", async (width, name, result) => {
    const reader = await openReader(browser, product, { width });
    const { page } = reader;
    await page.addInitScript(() => {
      const shifts: string[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & LayoutShift)[]) {
          const what = entry.sources.map(({ node }) => (node as Element | null)?.className ?? "");
          if (!entry.hadRecentInput) shifts.push(`${entry.value.toFixed(4)} ${what}`);
        }
      }).observe({ type: "layout-shift", buffered: true });
    });
    await reader.signIn("Ada");
    await goTo("#/customers", "tbody tr")(reader);
    const shifts = () => page.evaluate(() => (globalThis as unknown as { shifts: string[] }).shifts.splice(0));
    const sum = (values: readonly string[]) => values.reduce((total, value) => total + Number.parseFloat(value), 0);
    await page.waitForTimeout(200);
    const whileCustomersLoad = await shifts();
    await customer(name, result)(reader);
    await page.waitForTimeout(200);
    const whileCustomerLoads = await shifts();
    expect(reader.faults()).toEqual([]);
    await reader.close();
    for (const values of [whileCustomersLoad, whileCustomerLoads]) {
      expect(sum(values) < 0.05 ? [] : values).toEqual([]);
    }
  });
});

interface LayoutShift {
  readonly value: number;
  readonly hadRecentInput: boolean;
  readonly sources: readonly { readonly node: Node | null }[];
}

test("the pictures of the documentation are those that README shows, and small", () => {
  const shown = [...readFileSync("README.md", "utf8").matchAll(/!\[[^\]]{20,}\]\(docs\/images\/([a-z-]+)\.png\)/g)];
  const names = shown.map(([, name]) => name).toSorted();
  expect(names).toEqual(Object.values(pictures).toSorted());
  expect(readdirSync(pictureFolder).toSorted()).toEqual(names.map((name) => `${name}.png`).toSorted());
  for (const name of names) expect(statSync(`${pictureFolder}/${name}.png`).size).toBeLessThan(mostPictureBytes);
});
