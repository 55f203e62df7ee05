/** What the page is for, with the keyboard alone, in both languages; and who may only look. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Locator } from "playwright-core";
import { makeAssignment, roles, scopes } from "../../local/stand-ins/customer.ts";
import { guidOf } from "../../local/stand-ins/guid.ts";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { openBrowser, openReader, type Reader } from "../harness/browser.ts";
import { eventually, readLog } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";

let product: Product;
let browser: Browser;
let reader: Reader;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ partnerCenterMode: "live", rounds: true }), openBrowser()]);
  await product.trigger("SynchroniseCustomers");
  await eventually(async () => expect((await product.call("GET", "/customers")).body.value).toHaveLength(10));
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

describe.each(["en", "ja"] as const)("in %s", (language) => {
  const words = { en: english, ja: japanese }[language];

  test("an Admin Agent finds a customer, learns what is missing, has it mended, turns On, sees it, and turns Off", async () => {
    const customer = product.customer({ en: "Adatum", ja: "Relecloud" }[language]);
    reader = await openReader(browser, product, { language });
    const { page, switchOf } = reader;
    await reader.signIn("Ada");
    expect(await page.getAttribute("html", "lang")).toBe(language);

    // Finds the customer.
    await tabTo(page.locator("#search"));
    await page.keyboard.type(customer.name.slice(0, 5).toUpperCase());
    const link = page.getByRole("link", { name: customer.name, exact: true });
    await eventually(async () => expect(await page.locator("tbody tr").count()).toBe(1));
    await tabTo(link);
    await page.keyboard.press("Enter");

    // Learns what is missing.
    const missing = page.locator('.checks li[data-result="Failed"]');
    await missing.waitFor();
    expect(await page.getByRole("heading", { level: 1 }).innerText()).toBe(customer.name);
    expect(await missing.innerText()).toContain(words.eligibility.checks.ownerRole);
    expect(await missing.innerText()).toContain(words.eligibility.remedy);
    expect(await missing.getByRole("link").getAttribute("href")).toMatch(/^https:\/\/portal\.azure\.com\//);
    expect(await page.locator(".evidence").innerText()).toContain(words.eligibility.ignored.PartnerPrincipal);
    expect(await page.locator("#why-azureReservations").innerText()).toContain(words.switching.notEligible);
    expect(await heardSwitch(words.products.azureReservations)).toMatchObject({ disabled: true, checked: "false" });

    // Somebody assigns the role.
    const [subscription] = customer.subscriptions;
    const scope = scopes.subscription(subscription!);
    const principalId = guidOf(`${customer.name}/Owner of the story ${language}`);
    customer.roleAssignments.push(
      makeAssignment({ scope, roleDefinitionId: roles.owner, principalId, principalType: "User" }),
    );
    await tabTo(page.locator("#checks fluent-button"));
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await page.locator('.checks li[data-result="Passed"]').count()).toBe(2));

    // Turns On.
    await tabTo(switchOf("azureReservations"), "Shift+Tab");
    await page.keyboard.press("Space");
    const dialog = page.getByRole("alertdialog");
    await dialog.waitFor();
    for (const consequence of words.dialog.consequences)
      expect(await page.locator("fluent-dialog-body").innerText()).toContain(consequence);
    expect(await reader.isOn("azureReservations")).toBe(false);
    await tabTo(page.locator("#acknowledge"));
    await page.keyboard.press("Space");
    await tabTo(page.locator("#reason"));
    await page.keyboard.type("チケット 4711");
    await tabTo(page.locator('fluent-dialog fluent-button[appearance="primary"]'));
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await reader.isOn("azureReservations")).toBe(true));
    expect(await page.locator(".news").first().innerText()).toContain(words.switching.done("azureReservations", "On"));
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("switch-azureReservations");

    // Finds the activity.
    const entry = page.locator("#log tbody tr").first();
    await eventually(async () => expect(await entry.innerText()).toContain("チケット 4711"));
    expect(await entry.innerText()).toContain(words.operations["Create Customer Purchase Permissions"]);
    expect(await page.locator(".timeline li").first().innerText()).toContain(words.timeline.stillOn);

    // Turns Off again.
    await page.keyboard.press("Space");
    await dialog.waitFor();
    await tabTo(page.locator('fluent-dialog fluent-button[appearance="primary"]'));
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await reader.isOn("azureReservations")).toBe(false));
    await eventually(async () =>
      expect(await entry.innerText()).toContain(words.operations["Delete Customer Purchase Permissions"]),
    );

    const log = await readLog(product, customer.tenantId);
    expect(log).toMatchObject([
      {
        operation: "Create Customer Purchase Permissions",
        ...{ by: { name: "Ada" }, reason: "チケット 4711", acknowledgedCharges: true },
      },
      { operation: "Delete Customer Purchase Permissions", by: { name: "Ada" } },
    ]);
  });

  test("a Sales Agent can only look", async () => {
    const customer = product.customer("Contoso");
    reader = await openReader(browser, product, { language });
    const { page, switchOf } = reader;
    await reader.signIn("Bob", `#/customers/${customer.tenantId}`);
    await eventually(async () => expect(await page.locator('.checks li[data-result="Passed"]').count()).toBe(2));
    expect(await page.locator(".note").innerText()).toBe(words.shell.readsOnly(words.shell.roles.SalesAgent));
    for (const product of ["azureReservations", "azureSavingsPlans"] as const) {
      expect(await heardSwitch(words.products[product])).toMatchObject({ disabled: true });
      expect(await page.locator(`#why-${product}`).innerText()).toBe(words.switching.needsAdminAgent);
      await switchOf(product).click({ force: true });
      expect(await reader.isOn(product)).toBe(false);
    }
    expect(await page.locator("fluent-dialog").count()).toBe(0);
    expect(await readLog(product, customer.tenantId)).toEqual([]);
  });

  test("whoever holds no role sees nothing", async () => {
    reader = await openReader(browser, product, { language });
    const asked: string[] = [];
    reader.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await reader.signIn("Dan");
    expect(await reader.page.getByRole("heading", { level: 1 }).innerText()).toBe(words.signIn.noRole);
    expect(asked.filter((path) => path.startsWith("/api/"))).toEqual([]);
  });
});

/** Presses Tab until it is there; nothing else may be in the way for ever. */
async function tabTo(wanted: Locator, key = "Tab"): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    if (await wanted.evaluate((it) => it === document.activeElement)) return;
    await reader.page.keyboard.press(key);
  }
  throw new Error(`The keyboard does not lead to ${wanted}.`);
}

async function heardSwitch(product: string): Promise<Readonly<Record<string, unknown>> | undefined> {
  const switches = await reader.heard("switch");
  return switches.find(({ name }) => name.startsWith(product))?.properties;
}
