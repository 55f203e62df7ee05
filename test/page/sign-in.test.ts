/** Signing in to the page, staying signed in, and signing out; and where the tokens are not. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { partnerTenantId } from "../../local/stand-ins/demo-customers.ts";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { openBrowser, openReader, type Reader, type ReaderOptions } from "../harness/browser.ts";
import { eventually } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";

const revoked = {
  match: { method: "POST", path: "/token" },
  fault: {
    kind: "status",
    status: 400,
    body: {
      error: "invalid_grant",
      error_description: "AADSTS50173: The provided grant has expired.",
      error_codes: [50173],
    },
  },
} as const;

let product: Product;
let browser: Browser;
let reader: Reader;
let address: string;
/** What the token endpoint was asked for, in order. */
let grants: string[];
/** Everything it has given out. */
let tokens: string[];

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), openBrowser()]);
  address = `#/customers/${product.customer("Contoso").tenantId}`;
}, 60_000);
afterEach(async () => {
  product.browserDoor.faults.clear();
  product.browserDoor.codeLifetimeSeconds = 60;
  product.entra.tokenLifetimeSeconds = 3599;
  const faults = reader?.faults();
  await reader?.close();
  expect(faults).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

describe.each(["en", "ja"] as const)("in %s,", (language) => {
  const words = { en: english, ja: japanese }[language];

  test("who cancels is told so, and may sign in after all, to where they wanted", async () => {
    await open({ language });
    const { page } = reader;
    await page.goto(`${product.pageUrl}${address}`);
    await page.getByText(words.signIn.button, { exact: true }).click();
    await page.getByRole("link", { name: "Cancel" }).click();
    expect(await alert()).toBe(words.signIn.cancelled);
    expect(page.url()).toBe(`${product.pageUrl}${address}`);
    await page.reload();
    expect(await page.locator('.sign-in [role="alert"]').count()).toBe(0);
    await signInHere("Ada");
    expect(page.url()).toBe(`${product.pageUrl}${address}`);
    await page.locator(".checks li").first().waitFor();
  });

  test.each(["answers 503", "does not answer"])("Entra %s: it is said, and may be tried again", async (how) => {
    await open({ language });
    await reader.page.goto(`${product.pageUrl}${address}`);
    const { faults } = product.browserDoor;
    faults.add({ fault: how === "answers 503" ? { kind: "status", status: 503 } : { kind: "reset" } });
    await reader.page.locator(".sign-in fluent-button").click();
    expect(await alert()).toBe(words.signIn.unavailable);
    expect(reader.faults()).toHaveLength(1);
    faults.clear();
    await signInHere("Ada");
    expect(reader.page.url()).toBe(`${product.pageUrl}${address}`);
  });

  test("Entra goes down, or thinks better of it, when the reader is on the way back", async () => {
    await open({ language });
    const { page } = reader;
    await page.goto(`${product.pageUrl}${address}`);
    const rule = product.browserDoor.faults.add({
      ...{ match: revoked.match, fault: { kind: "status", status: 503 } },
    });
    await answerWho("Ada");
    expect(await alert()).toBe(words.signIn.unavailable);
    product.browserDoor.faults.remove(rule);
    product.browserDoor.codeLifetimeSeconds = 0;
    await answerWho("Ada");
    expect(await alert()).toBe(words.signIn.failed("invalid_grant"));
    // It does not go round in circles.
    await page.reload();
    await page.locator(".sign-in fluent-button").waitFor();
    product.browserDoor.codeLifetimeSeconds = 60;
    await signInHere("Ada");
    expect(page.url()).toBe(`${product.pageUrl}${address}`);
  });

  test("a sign-in that cannot be renewed is said to be over; a new one comes back to the same place", async () => {
    product.entra.tokenLifetimeSeconds = 62;
    await open({ language });
    const { page } = reader;
    await reader.signIn("Ada", "#/guidance");
    await pause(2_500);
    const rule = product.browserDoor.faults.add(revoked);
    await go(address);
    expect(await alert()).toContain(words.problems.SignedOut?.message);
    expect(await buttons()).toEqual([words.signIn.button]);
    product.browserDoor.faults.remove(rule);

    // Not even that can be had at first.
    product.browserDoor.faults.down = true;
    await page.locator(".problem fluent-button").click();
    expect(await alert()).toContain(words.signIn.unavailable);
    expect(reader.faults()).toHaveLength(1);
    product.browserDoor.faults.clear();
    product.entra.tokenLifetimeSeconds = 3599;
    await page.locator(".sign-in fluent-button").click();
    await page.locator(".checks li").first().waitFor();
    expect(page.url()).toBe(`${product.pageUrl}${address}`);
    expect(await page.locator(".reader").innerText()).toContain("Ada");
  });

  test("the token is over, and Entra cannot be reached for another: that is said, and may be tried again", async () => {
    product.entra.tokenLifetimeSeconds = 3;
    await open({ language });
    await reader.signIn("Ada", "#/guidance");
    await pause(3_100);
    product.browserDoor.faults.down = true;
    await go(address);
    expect(await alert()).toContain(words.problems.SignInUnavailable?.message);
    expect(await buttons()).toEqual([words.again]);
    product.browserDoor.faults.down = false;
    await reader.page.locator(".problem fluent-button").click();
    await reader.page.locator(".checks li").first().waitFor();
  });

  test("the service cannot be reached: the page says so, goes on when it can, and stays usable", async () => {
    await open({ language });
    const { page } = reader;
    await reader.signIn("Ada", "#/guidance");
    await page.context().setOffline(true);
    await go("#/activities");
    expect(await alert()).toContain(words.problems.Offline?.message);
    // The other language cannot be had either.
    await page.locator('select[name="language"]').selectOption(language === "en" ? "ja" : "en");
    await eventually(async () => expect(reader.faults().length).toBeGreaterThan(0));
    expect(await alert()).toContain(words.problems.Offline?.message);
    await go("#/guidance");
    await page.locator("main h1", { hasText: words.guidance.heading }).waitFor();
    await page.context().setOffline(false);
    await go("#/activities");
    expect(await buttons()).toEqual([words.again]);
    reader.faults();
    await page.locator(".problem fluent-button").click();
    // In the language that was chosen meanwhile.
    const heading = { en: japanese, ja: english }[language].activities.heading;
    await page.locator("main h1", { hasText: heading }).waitFor();
    expect(page.url()).toBe(`${product.pageUrl}#/activities`);
  });
});

test("a reload keeps the reader signed in, at the same place, without a question, and Back leads where it led", async () => {
  await open();
  const { page } = reader;
  await reader.signIn("Ada", "#/guidance");
  await go(address);
  await page.locator(".checks li").first().waitFor();
  const seen: string[] = [];
  page.on("framenavigated", (frame) => seen.push(frame.url()));
  await page.reload();
  await page.locator(".checks li").first().waitFor();
  expect(await page.locator(".reader").innerText()).toContain("Ada");
  expect(page.url()).toBe(`${product.pageUrl}${address}`);
  expect(seen.filter((url) => !url.startsWith(product.pageUrl))).toEqual([]);
  expect(grants).toEqual(["authorization_code", "authorization_code"]);

  await page.goBack();
  await page.locator("main h1", { hasText: english.guidance.heading }).waitFor();
  expect(await page.locator(".reader").innerText()).toContain("Ada");
});

test("Back to Entra's question and on again signs in anew, and is no error", async () => {
  await open();
  const { page } = reader;
  await reader.signIn("Ada", address);
  await page.goBack();
  await page.getByRole("link", { name: /^Ada/ }).click();
  await page.locator(".reader").waitFor();
  expect(await page.locator('[role="alert"]').count()).toBe(0);
  expect(new URL(page.url()).search).toBe("");
});

test("the token is renewed when it ends, once for all who wait for it, and the page goes on", async () => {
  product.entra.tokenLifetimeSeconds = 62;
  await open();
  await reader.signIn("Ada", "#/guidance");
  await pause(2_500);
  product.entra.tokenLifetimeSeconds = 3599;
  const used = new Set<string>();
  reader.page.on("request", (request) => {
    const { authorization } = request.headers();
    if (authorization !== undefined) used.add(authorization);
  });
  await go(address);
  await reader.page.locator(".checks li").first().waitFor();
  await eventually(async () => expect(await reader.page.locator(".activities-area").innerText()).not.toBe(""));
  expect(grants).toEqual(["authorization_code", "refresh_token"]);
  // After the three of the sign-in.
  expect([...used].map((header) => tokens.indexOf(header.slice("Bearer ".length)))).toEqual([3]);
});

test("sign-out ends it: a reload asks again, and Back shows nothing", async () => {
  // As people's browsers do, and those of tests usually do not: a page that was left is kept for Back.
  const keeping = await openBrowser({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  try {
    await open({}, keeping);
    const { page } = reader;
    await reader.signIn("Ada", "#/guidance");
    await go(address);
    await page.locator(".checks li").first().waitFor();
    await page.getByText(english.shell.signOut, { exact: true }).click();
    await page.locator(".sign-in fluent-button").waitFor();
    await page.reload();
    await page.locator(".sign-in fluent-button").waitFor();
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
    expect(await reader.context.cookies()).toEqual([]);
    for (const screens of [1, 2]) {
      await page.goBack();
      await page.locator(".sign-in fluent-button").waitFor();
      expect([screens, await page.locator(".reader").count()]).toEqual([screens, 0]);
    }
    await reader.close();
  } finally {
    await keeping.close();
  }
});

test("tokens are nowhere but in memory, and the code is gone from the address", async () => {
  product.entra.tokenLifetimeSeconds = 62;
  await open();
  const { page, context } = reader;
  const visited: string[] = [];
  page.on("framenavigated", (frame) => visited.push(frame.url()));
  await reader.signIn("Ada", "#/guidance");
  await pause(2_500);
  product.entra.tokenLifetimeSeconds = 3599;
  await go(address);
  await page.locator(".checks li").first().waitFor();
  await reader.switchOf("azureReservations").click();
  await page.getByRole("alertdialog").waitFor();
  await page.keyboard.press("Escape");
  expect(grants).toEqual(["authorization_code", "refresh_token"]);
  await page.reload();
  await page.locator(".checks li").first().waitFor();
  expect(grants).toHaveLength(3);
  // Access, refresh and id token of each sign-in; a renewal brings no id token.
  await eventually(async () => expect(tokens.length).toBeGreaterThanOrEqual(7));

  const places = await placesOf(page);
  const session = await context.newCDPSession(page);
  const { entries } = await session.send("Page.getNavigationHistory");
  const all = JSON.stringify({ places, cookies: await context.cookies(), entries, visited });
  for (const token of tokens) {
    expect(all).not.toContain(token);
    // Nor a part of it, such as its signature.
    expect(all).not.toContain(token.slice(-40));
  }
  expect(places.databases).toEqual([]);
  expect(places.caches).toEqual([]);
  expect(Object.keys(places.session)).toEqual(["signed-in-as"]);
  expect(places.state).toBeNull();
  const ours = [...entries.map(({ url }) => url), page.url()].filter((url) => url.startsWith(product.pageUrl));
  expect(ours.length).toBeGreaterThan(1);
  for (const url of ours) expect(new URL(url).search).toBe("");
});

test("several tenants: a button each, and the reader comes from the one that was chosen", async () => {
  const other = "22222222-2222-4222-8222-222222222222";
  const tenants = [partnerTenantId, other];
  const own = await startProduct({ settings: { ENTRA_TENANT_ID: tenants.join(",") } });
  try {
    reader = await openReader(browser, own);
    const { page } = reader;
    await page.goto(own.pageUrl);
    const signIns = page.locator(".sign-in fluent-button");
    await signIns.first().waitFor();
    expect(await signIns.allInnerTexts()).toEqual(tenants.map(english.signIn.buttonOf));
    const asked = page.waitForRequest((request) => request.url().includes("openid-configuration"));
    await signIns.nth(1).click();
    expect((await asked).url()).toContain(`/${other}/`);
    // The stand-in has the first one only.
    expect(await alert()).toBe(english.signIn.unavailable);
    expect(reader.faults()).toHaveLength(1);
    await signIns.first().click();
    await page.getByRole("link", { name: /^Ada/ }).click();
    await page.locator(".reader").waitFor();
    expect(await page.evaluate(() => sessionStorage.getItem("signed-in-as"))).toContain(partnerTenantId);
    await reader.close();
  } finally {
    await own.stop();
  }
}, 60_000);

async function open(options: ReaderOptions = {}, inBrowser = browser): Promise<void> {
  reader = await openReader(inBrowser, product, options);
  grants = [];
  tokens = [];
  reader.page.on("response", async (response) => {
    const request = response.request();
    if (request.method() !== "POST" || !request.url().endsWith("/oauth2/v2.0/token")) return;
    grants.push(new URLSearchParams(request.postData() ?? "").get("grant_type") ?? "");
    const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    for (const [name, value] of Object.entries(answer))
      if (name.endsWith("_token") && typeof value === "string") tokens.push(value);
  });
}

/** From the sign-in that is shown to Entra's answer. */
async function answerWho(name: string): Promise<void> {
  await reader.page.locator(".sign-in fluent-button").click();
  await reader.page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
}

async function signInHere(name: string): Promise<void> {
  await answerWho(name);
  await reader.page.locator(".reader").waitFor();
}

async function go(hash: string): Promise<void> {
  await reader.page.evaluate((to) => {
    location.hash = to;
  }, hash);
}

/** @returns what the reader is told; a screen reader is told at once */
async function alert(): Promise<string> {
  const shown = reader.page.locator('main [role="alert"]').first();
  await shown.waitFor();
  expect((await reader.heard("alert")).length).toBeGreaterThan(0);
  return shown.innerText();
}

async function buttons(): Promise<string[]> {
  return [...new Set(await reader.page.locator(".problem fluent-button").allInnerTexts())];
}

/** Everything that a script on the page, an extension or the next one at the machine could read. */
function placesOf(page: Page) {
  return page.evaluate(async () => {
    const textOf = (root: Document | ShadowRoot): string =>
      [
        root instanceof Document ? root.documentElement.outerHTML : root.innerHTML,
        ...[...root.querySelectorAll("*")].flatMap(({ shadowRoot }) => (shadowRoot === null ? [] : textOf(shadowRoot))),
      ].join("\n");
    return {
      address: location.href,
      referrer: document.referrer,
      state: history.state as unknown,
      name: window.name,
      cookie: document.cookie,
      local: { ...localStorage },
      session: { ...sessionStorage } as Record<string, string>,
      databases: (await indexedDB.databases()).map(({ name = "" }) => name),
      caches: await caches.keys(),
      content: textOf(document),
      requested: performance.getEntries().map(({ name }) => name),
      globals: Object.entries(globalThis).flatMap(([name, value]) => (typeof value === "string" ? [name, value] : [])),
    };
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
