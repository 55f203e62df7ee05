/** Ten thousand customers, and their log: found quickly, page by page, and never all at once. */

import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, Download, Page } from "playwright-core";
import { guidOf } from "../../local/stand-ins/guid.ts";
import type { Activity } from "../../shared/domain/activity.ts";
import type { FleetDay } from "../../shared/domain/fleet-history.ts";
import { english } from "../../ui/words-en.ts";
import { openBrowser, openReader, type Reader } from "../harness/browser.ts";
import { eventually, faultsOfLog } from "../harness/ledger.ts";
import { daysAgo, type FleetMember, type Turned, writeFleet } from "../harness/page-fleet.ts";
import { type Product, startProduct } from "../harness/product.ts";

const count = 10_000;
/** What one thing that a reader does may cost. */
const mostRequests = 20;
const pageSize = 25;

/** Some have been switched; of some something is found; a few have names of their own. */
const ownNames = ["青空商事株式会社", "ﾐﾅﾄ物流", "ＡＢＣ Ｔｒａｄｉｎｇ"];
const members: FleetMember[] = Array.from({ length: count }, (_, index) => {
  const number = String(index).padStart(5, "0");
  const turned: Turned[] =
    index % 100 === 0
      ? [
          {
            at: daysAgo(40 + (index % 30)),
            product: "azureReservations",
            state: "On",
            by: "Ada",
            reason: `T-${number}`,
          },
        ]
      : [];
  const finding =
    index % 400 === 0
      ? [{ code: "TurnedOffOutside" as const, product: "azureReservations" as const }]
      : index % 400 === 100
        ? [{ code: "OwnerLost" as const, product: "azureReservations" as const }]
        : [];
  return {
    customerId: guidOf(`list ${number}`),
    name: ownNames[index - 5_000] ?? `Customer ${number}`,
    domain: `customer${number}.example`,
    ...{ turned, findings: finding },
  };
});
const named = (name: string) => members.find((member) => member.name === name)!;

/** What a spreadsheet would run. */
const formulas = ['=HYPERLINK("https://evil.example","x")', "+1+1", "-2+3", "@SUM(A1)", "＝1+1", "\t=1"];
/** The last moment of one day in Tokyo, and the first one of the next. */
const lastMoment = new Date("2026-10-09T14:59:59.999Z");
const firstMoment = new Date("2026-10-09T15:00:00.000Z");
const logged: FleetMember = {
  ...{ customerId: guidOf("with a long log"), name: 'Long Log, "Inc."', domain: "long-log.example" },
  turned: [
    ...formulas.map(
      (reason, index): Turned => ({
        ...{ at: daysAgo(80 - index), product: "azureReservations", by: reason, reason: `${reason}\n"quoted", 引用` },
        state: index % 2 === 0 ? "On" : "Off",
      }),
    ),
    { at: lastMoment, product: "azureSavingsPlans", state: "On", by: "Kenji", reason: "last moment" },
    { at: firstMoment, product: "azureSavingsPlans", state: "Off", by: "Kenji", reason: "first moment" },
  ],
};

let product: Product;
let browser: Browser;
let reader: Reader;
let page: Page;
let activities: Activity[];
let asked: URL[] = [];

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ partnerCenterMode: "live" }), openBrowser()]);
  activities = await writeFleet(product.connectionString, [...members, logged]);
  reader = await openReader(browser, product);
  ({ page } = reader);
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.pathname.startsWith("/api/")) asked.push(url);
  });
  await reader.signIn("Ada");
}, 60_000);
beforeEach(async () => {
  for (const hash of ["#/guidance", "#/customers"]) await page.evaluate((to) => location.assign(to), hash);
  await page.locator(".customers").waitFor();
  await rows();
});
afterEach(() => expect(reader?.faults()).toEqual([]));
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

/** Names of the customers that are shown, once they are. */
async function rows(): Promise<string[]> {
  await page.waitForFunction(() => document.querySelector("main [aria-busy=true]") === null);
  return page.locator(".customers tbody th a").allInnerTexts();
}

/** What it takes until something is done, in requests to the API and milliseconds. */
async function costOf(work: () => Promise<unknown>) {
  asked = [];
  const start = performance.now();
  await work();
  return { requests: asked.length, milliseconds: Math.round(performance.now() - start) };
}

async function searchFor(text: string): Promise<string[]> {
  await page.locator("#search").click();
  await page.keyboard.press("Control+A");
  const answered = page.waitForResponse((response) => new URL(response.url()).searchParams.get("search") === text);
  await page.keyboard.insertText(text);
  await answered;
  return rows();
}

describe("ten thousand customers", () => {
  test("are shown page by page, and a screen reader is told", async () => {
    const first = await rows();
    expect(first).toHaveLength(pageSize);
    const live = page.locator(".shell > [role=status]");
    const nextPage = page.getByText(english.customers.next);
    let second: string[] = [];
    const cost = await costOf(async () => {
      await nextPage.click();
      await eventually(async () => expect(await live.innerText()).toBe(english.customers.shown(pageSize, 2)));
      second = await rows();
    });
    process.stdout.write(`the next page of ${count}: ${JSON.stringify(cost)}\n`);
    expect(cost.requests).toBeLessThanOrEqual(mostRequests);
    expect(second).toHaveLength(pageSize);
    expect(second.filter((name) => first.includes(name))).toEqual([]);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("CAPTION");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe(english.customers.shown(pageSize, 2));

    await page.getByText(english.customers.previous).click();
    await eventually(async () => expect(await live.innerText()).toBe(english.customers.shown(pageSize, 1)));
    expect(await rows()).toEqual(first);
    expect(await page.getByText(english.customers.previous).count()).toBe(0);
  });

  test.each([
    ["a part of the name", "er 0777", Array.from({ length: 10 }, (_, index) => `Customer 0777${index}`)],
    ["Japanese", "商事", ["青空商事株式会社"]],
    ["half-width kana, by full-width ones", "ミナト", ["ﾐﾅﾄ物流"]],
    ["full-width letters, by others", "abc trad", ["ＡＢＣ Ｔｒａｄｉｎｇ"]],
    ["others, by full-width letters", "Ｃｕｓｔｏｍｅｒ ０１２３４", ["Customer 01234"]],
    ["a domain", "CUSTOMER04321.ex", ["Customer 04321"]],
    ["an id", named("Customer 00042").customerId.toUpperCase(), ["Customer 00042"]],
    ["the beginning of an id", named("Customer 00042").customerId.slice(0, 13), ["Customer 00042"]],
  ])("are found by %s", async (_what, text, names) => {
    let found: string[] = [];
    const cost = await costOf(async () => {
      found = await searchFor(text);
    });
    process.stdout.write(`${text}: ${JSON.stringify(cost)}\n`);
    expect(found.toSorted()).toEqual(names);
    expect(cost.requests).toBeLessThanOrEqual(mostRequests);
    expect(decodeURIComponent(await page.evaluate(() => location.hash.replaceAll("+", " ")))).toContain(text);
  });

  const isOn = ({ turned = [] }: FleetMember) => turned.length > 0;
  test.each([
    ["on", isOn],
    ["off", (member: FleetMember) => !isOn(member)],
    ["drift", ({ findings = [] }: FleetMember) => findings[0]?.code === "TurnedOffOutside"],
    ["notEligible", ({ findings = [] }: FleetMember) => findings[0]?.code === "OwnerLost"],
  ] as const)("are filtered: %s", async (filter, isWanted) => {
    const cost = await costOf(async () => {
      const answered = page.waitForResponse((response) => /[?&](state|finding)=/.test(response.url()));
      await page.selectOption("#show", filter);
      await answered;
      await rows();
    });
    process.stdout.write(`${filter}: ${JSON.stringify(cost)}\n`);
    expect(cost.requests).toBeLessThanOrEqual(mostRequests);
    const found = await rows();
    expect(found.length).toBeGreaterThanOrEqual(pageSize);
    expect(found.filter((name) => !isWanted(named(name)))).toEqual([]);
  });

  test("what is typed quickly is asked for once, and Japanese only when it is composed", async () => {
    await page.locator("#search").click();
    asked = [];
    await page.keyboard.type("customer 09999", { delay: 30 });
    await eventually(async () => expect(await rows()).toEqual(["Customer 09999"]));
    expect([...new Set(asked.map(({ searchParams }) => searchParams.get("search")))]).toEqual(["customer 09999"]);

    await page.keyboard.press("Control+A");
    const session = await reader.context.newCDPSession(page);
    asked = [];
    for (const text of ["あ", "あお", "あおぞ", "あおぞら"]) {
      await session.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
      await page.waitForTimeout(400);
    }
    expect(asked).toEqual([]);
    await session.send("Input.insertText", { text: "青空" });
    await eventually(async () => expect(await rows()).toEqual(["青空商事株式会社"]));
  });

  test("a search that finds nothing for long stops, says so, and lets the reader decide to go on", async () => {
    await page.route(/search=rare/, (route) => route.fulfill({ json: { value: [], nextLink: route.request().url() } }));
    const cost = await costOf(() => searchFor("rare"));
    expect(cost.requests).toBe(mostRequests);
    expect(await page.locator(".customers-area").innerText()).toContain(english.customers.noMatchYet);
    const again = await costOf(async () => {
      await page.getByText(english.customers.next).click();
      await page.getByText(english.customers.previous).waitFor();
    });
    expect(again.requests).toBe(mostRequests);
  });

  test("an answer that comes late for an older search is not shown", async () => {
    let isHeld = false;
    await page.route(/search=slow/, async (route) => {
      isHeld = true;
      await new Promise((go) => setTimeout(go, 1_500));
      await route.fulfill({ json: { value: [] } }).catch(() => undefined);
    });
    await page.locator("#search").click();
    await page.keyboard.insertText("slow");
    await eventually(async () => expect(isHeld).toBe(true));
    expect(await searchFor("商事")).toEqual(["青空商事株式会社"]);
    await page.waitForTimeout(1_600);
    expect(await rows()).toEqual(["青空商事株式会社"]);
  });

  test("Back from a customer leads to the same search and page, and leaving in the middle of typing leads away", async () => {
    await searchFor("er 07");
    await page.getByText(english.customers.next).click();
    await page.getByText(english.customers.shown(pageSize, 2)).first().waitFor({ state: "attached" });
    const second = await rows();
    await page.getByRole("link", { name: second[3]!, exact: true }).click();
    await page.locator("h1", { hasText: second[3]! }).waitFor();
    await page.goBack();
    await eventually(async () => expect(await rows()).toEqual(second));
    expect(await page.locator("#search").evaluate((field) => (field as HTMLInputElement).value)).toBe("er 07");
    expect(await page.locator(".pages").innerText()).toContain(english.customers.shown(pageSize, 2));

    await page.locator("#search").click();
    await page.keyboard.type("x");
    await page.evaluate(() => location.assign("#/guidance"));
    await page.locator(".letter").waitFor();
    await page.waitForTimeout(500);
    expect(await page.evaluate(() => location.hash)).toBe("#/guidance");
  });
});

test("the picture of the fleet says what the API answers, as text and to a screen reader", async () => {
  const { body } = await product.call("GET", "/fleet/history?days=90");
  const days = body.value as FleetDay[];
  const [first, last] = [days[0]!, days.at(-1)!];
  expect(last.customersOn).toBe(100);
  const change = english.fleet.change(last.customersOn - first.customersOn);
  const { azureReservations, azureSavingsPlans } = last.on;
  const text = await page.locator(".fleet").innerText();
  expect(text).toContain(english.fleet.now(last.customersOn));
  expect(text).toContain(change);
  expect(text).toContain(english.fleet.detail(azureReservations, azureSavingsPlans));
  const [image] = await reader.heard("image");
  const highest = english.fleet.axis(Math.max(...days.map(({ customersOn }) => customersOn)));
  expect(image?.name).toContain(`${highest}, ${change}`);

  const west = await openReader(browser, product, { zone: "America/Los_Angeles" });
  await west.signIn("Ada");
  const date = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeZone: "UTC" });
  const dates = await west.page.locator(".fleet figcaption").innerText();
  for (const day of [first, last]) expect(dates).toContain(date.format(new Date(day.date)));
  expect(west.faults()).toEqual([]);
  await west.close();
});

describe("the activity log", () => {
  const entries = () => page.locator(".activities tbody tr").allInnerTexts();

  test("is read page by page, with names in place of ids, at a bounded cost", async () => {
    const cost = await costOf(async () => {
      await page.evaluate(() => location.assign("#/activities"));
      await page.locator(".activities tbody tr").first().waitFor();
    });
    process.stdout.write(`the log: ${JSON.stringify(cost)}\n`);
    expect(cost.requests).toBeLessThanOrEqual(1 + 20);
    const newest = await entries();
    expect(newest).toHaveLength(20);
    expect(newest.filter((text) => !/Customer \d{5}|Long Log, "Inc\."/.test(text))).toEqual([]);
    await page.getByText(english.activities.older).click();
    await eventually(async () => expect(await entries()).not.toEqual(newest));
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("CAPTION");
    await page.getByText(english.activities.newer).click();
    await eventually(async () => expect(await entries()).toEqual(newest));
  });

  test.each([
    ["2026-10-09", "last moment"],
    ["2026-10-10", "first moment"],
  ])("of %s ends where that day ends for the reader, in Tokyo", async (day, reason) => {
    await page.evaluate(() => location.assign("#/activities"));
    await page.fill("input[name=from]", day);
    await page.fill("input[name=to]", day);
    const kenjis = async () => (await entries()).filter((text) => text.includes("Kenji"));
    await eventually(async () => {
      const shown = await kenjis();
      expect(shown).toHaveLength(1);
      expect(shown[0]).toContain(reason);
    });
    expect(await page.evaluate(() => location.hash)).toBe(`#/activities?from=${day}&to=${day}`);
  });

  async function download(hash: string, format: "CSV" | "NDJSON"): Promise<{ name: string; text: string }> {
    await page.evaluate((to) => location.assign(to), hash);
    const coming: Promise<Download> = page.waitForEvent("download", { timeout: 50_000 });
    await page.getByText(`${english.activities.download} ${format}`).click();
    const file = await coming;
    return { name: file.suggestedFilename(), text: await readFile(await file.path(), "utf8") };
  }

  test("can be taken along as NDJSON, whose hashes can be verified", async () => {
    const all = await download("#/activities", "NDJSON");
    const lines = all.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Activity);
    expect(all.name).toBe("activities.ndjson");
    expect(lines).toHaveLength(activities.length);
    for (const log of Map.groupBy(lines, ({ customerId }) => customerId).values()) {
      expect(faultsOfLog(log.toReversed())).toEqual([]);
    }
    await page.getByText(english.activities.downloaded(activities.length)).waitFor();

    const one = await download(`#/customers/${logged.customerId}`, "NDJSON");
    expect(one.name).toBe(`activities-${logged.customerId}.ndjson`);
    expect(one.text.trimEnd().split("\n")).toHaveLength(formulas.length + 2);
  });

  test("can be taken along as CSV, in which nothing is a formula", async () => {
    const { name, text } = await download(`#/customers/${logged.customerId}`, "CSV");
    expect(name).toBe(`activities-${logged.customerId}.csv`);
    expect(text.startsWith("\uFEFF")).toBe(true);
    const [head = [], ...records] = parseCsv(text.slice(1));
    const expected = activities.filter(({ customerId }) => customerId === logged.customerId).toReversed();
    expect(records.map((record) => record[head.indexOf("hash")])).toEqual(expected.map(({ hash }) => hash));
    for (const [index, record] of records.entries()) {
      expect(record).toHaveLength(head.length);
      const { reason = "", by } = expected[index]!;
      const isFormula = formulas.some((formula) => reason.startsWith(formula));
      expect(record[head.indexOf("reason")]).toBe(isFormula ? `'${reason}` : reason);
      expect(record[head.indexOf("byName")]).toBe(isFormula ? `'${by.name}` : by.name);
    }
  });
});

/** RFC 4180, as a spreadsheet reads it. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  for (const [, quoted, plain = "", end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    record.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ",") continue;
    records.push(record);
    record = [];
  }
  return records;
}
