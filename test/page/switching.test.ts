/**
 * Everything that can happen when a switch is turned on the page: what is asked first, what is shown while nobody knows,
 * and what is said when it cannot be done. The switch shows what the server has said, and never more.
 */

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import type { Browser, Request } from "playwright-core";
import type { Customer } from "../../local/stand-ins/customer.ts";
import type { Product as Permission, PermissionState } from "../../shared/domain/permission.ts";
import type { Words } from "../../ui/words.ts";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { openBrowser, openReader, type Reader, type ReaderOptions } from "../harness/browser.ts";
import { makeEligibleCustomers, oneByOne } from "../harness/customers.ts";
import { eventually, faultsOfLog, readLog } from "../harness/ledger.ts";
import { type Product, type ProductOptions, startProduct } from "../harness/product.ts";

const languages = ["en", "ja"] as const;
const wordsOf: Readonly<Record<ReaderOptions["language"] & string, Words>> = { en: english, ja: japanese };
const reservations = "azureReservations";

let browser: Browser;
let product: Product;
let reader: Reader;
let nextCustomer: () => string;
/** Changes that the page has asked for in this test. */
let asked: Request[];

beforeAll(async () => {
  browser = await openBrowser();
});
afterEach(async () => {
  product.storage.fate = () => "forward";
  for (const standIn of [product.arm, product.partnerCenter]) standIn.faults.clear();
  const faults = reader?.faults();
  await reader?.close();
  expect(faults).toEqual([]);
});
afterAll(() => browser?.close());

/** One product for the tests of a group. */
function withProduct(options: ProductOptions): void {
  beforeAll(async () => {
    const customers = makeEligibleCustomers(40);
    nextCustomer = oneByOne(customers);
    product = await startProduct({ ...options, customers });
  }, 60_000);
  afterAll(() => product?.stop());
}

describe("where our record is the switch,", () => {
  withProduct({ settings: async () => ({ PORT: await freePort(), ELIGIBILITY_TIMEOUT_SECONDS: "2" }) });

  describe.each(languages)("in %s,", (language) => {
    const words = wordsOf[language];

    test("nothing is sent before everything is said", async () => {
      const customerId = await openCustomer({ language });
      await toggle();
      await confirm();
      expect(await complaint()).toBe(words.dialog.acknowledgeMissing);
      expect(await focused()).toBe("acknowledge");
      await reader.page.locator("#acknowledge").click();
      await reader.page.locator("#reason").click();
      await reader.page.keyboard.type("   ");
      await confirm();
      expect(await complaint()).toBe(words.dialog.reasonMissing);
      expect(await focused()).toBe("reason");
      await reader.page.keyboard.press("Escape");
      await dialogEnds();
      expect([asked, await readLog(product, customerId)]).toEqual([[], []]);
    });

    test("somebody else has been quicker: the newest state is shown, and nothing is sent twice", async () => {
      const customerId = await openCustomer({ language });
      await put(customerId, "On", { reason: "quicker" });
      await turn("On");

      const alert = await heardAlert();
      expect(alert).toContain(words.problems.ConditionNotMet?.message);
      expect(alert).toContain(words.problems.ConditionNotMet?.remedy);
      expect(await reader.isOn(reservations)).toBe(true);
      expect(await card()).toContain("quicker");
      await eventually(async () => expect(await reader.page.locator("#log tbody tr").count()).toBe(1));
      expect([asked.length, await buttons(), (await readLog(product, customerId)).length]).toEqual([1, [], 1]);

      await turn("Off");
      await done(words, "Off");
      expect(await readLog(product, customerId)).toHaveLength(2);
    });

    test.each([
      ["the subscription is suspended", "NoAzureSubscription", suspend],
      ["the Owner is gone", "OwnerRoleMissing", removeOwner],
      ["we may not look any more", "EligibilityInconclusive", removeReader],
    ])("since the check %s: it is refused with the checks and what helps", async (_, code, change) => {
      const customerId = await openCustomer({ language });
      change(customerOf(customerId));
      await turn("On");

      const alert = await heardAlert();
      expect(alert).toContain(words.problems[code]?.message);
      const { body } = await put(customerId, "On");
      expect(body.error.code).toBe(code);
      for (const check of body.error.details) {
        const own = words.eligibility.codes[check.code];
        if (check.result === "Passed") continue;
        expect(alert).toContain(own?.message ?? check.message);
        expect(alert).toContain(own?.remedy ?? check.remedy);
      }
      expect([await reader.isOn(reservations), asked.length, await buttons()]).toEqual([false, 1, []]);
      expect(await readLog(product, customerId)).toEqual([]);
    });

    test.each(["Azure Resource Manager", "storage"])(
      "%s is down: it is said, and Try again repeats the same request",
      async (what) => {
        const customerId = await openCustomer({ language });
        if (what === "storage") product.storage.fate = () => ({ status: 503 });
        else product.arm.faults.down = true;
        await turn("On");

        const alert = await heardAlert(25_000);
        expect(alert).toContain(words.problems.DependencyUnavailable?.message);
        expect(alert).toContain(words.problems.DependencyUnavailable?.remedy);
        expect(await reader.isOn(reservations)).toBe(false);
        product.storage.fate = () => "forward";
        product.arm.faults.down = false;
        await again(words);
        await done(words, "On");
        await expectOneChange(customerId, 2);
      },
      60_000,
    );

    test("the service is killed after it has turned the switch: Try again brings the answer that was lost", async () => {
      const customerId = await openCustomer({ language });
      product.storage.fate = ({ path }) => (path === "/$batch" ? { afterwards: () => product.kill() } : "forward");
      await turn("On");

      const alert = await heardAlert();
      expect(alert).toContain(words.problems.Offline?.message);
      expect(alert).toContain(words.problems.Offline?.remedy);
      expect(await reader.isOn(reservations)).toBe(false);
      await again(words);
      expect(await heardAlert()).toContain(words.problems.Offline?.message);
      product.storage.fate = () => "forward";
      await product.start();
      await again(words);
      await done(words, "On");
      await expectOneChange(customerId, 3);
    }, 60_000);
  });

  test.each(["Escape", "Cancel", "Back"])("%s turns nothing, and the reader is back where they were", async (how) => {
    const customerId = await openCustomer();
    const { page } = reader;
    await page.evaluate(() => {
      location.hash = "#/guidance";
    });
    await page.locator("main h1", { hasText: english.guidance.heading }).waitFor();
    await page.goBack();
    await checked();
    await toggle();
    await page.locator("#acknowledge").click();
    if (how === "Escape") await page.keyboard.press("Escape");
    else if (how === "Cancel") await page.getByText(english.cancel, { exact: true }).click();
    else await page.goBack();
    await dialogEnds();
    if (how === "Back") await page.locator(".sign-in, h1").first().waitFor();
    else expect(await focused()).toBe(`switch-${reservations}`);
    expect([asked, await readLog(product, customerId)]).toEqual([[], []]);
    if (how === "Back") return;
    expect(await reader.isOn(reservations)).toBe(false);
    // Nothing of it is left in the next question.
    await toggle();
    await confirm();
    expect(await complaint()).toBe(english.dialog.acknowledgeMissing);
  });

  test("while the answer is on its way, progress is shown, and the switch stays where it is", async () => {
    const customerId = await openCustomer();
    const seen = await watchSwitch();
    product.storage.fate = ({ path }) => (path === "/$batch" ? { delay: 3_000 } : "forward");
    await turn("On");
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await news()).toBe(english.switching.working);
    expect((await reader.heard("status")).length).toBeGreaterThan(0);
    expect(await reader.switchOf(reservations).getAttribute("aria-busy")).toBe("true");
    // It does not ask while it waits.
    await reader.switchOf(reservations).click();
    expect(await reader.page.locator("fluent-dialog").count()).toBe(0);
    const answered = reader.page.waitForResponse((response) => response.request().method() === "PUT");
    expect(await seen()).toEqual([false]);
    expect((await answered).status()).toBe(200);
    await done(english, "On");
    expect(await seen()).toEqual([false, true]);
    expect(await reader.switchOf(reservations).getAttribute("aria-busy")).toBe("false");
    await expectOneChange(customerId);
  });

  test("pressed twice, it asks once and sends once", async () => {
    const customerId = await openCustomer();
    const { page } = reader;
    const twice = (it: Element) => {
      for (let times = 0; times < 2; times++) (it as HTMLElement).click();
    };
    await reader.switchOf(reservations).evaluate(twice);
    await page.getByRole("alertdialog").waitFor();
    expect(await page.locator("fluent-dialog").count()).toBe(1);
    await fillIn();
    product.storage.fate = ({ path }) => (path === "/$batch" ? { status: 503 } : "forward");
    await page.locator('fluent-dialog fluent-button[appearance="primary"]').evaluate(twice);
    await heardAlert(25_000);
    product.storage.fate = () => "forward";
    await page.locator(".news .problem fluent-button").evaluate(twice);
    await done(english, "On");
    await expectOneChange(customerId);
  }, 60_000);

  test("Off asks, too, and needs no Azure", async () => {
    const customerId = nextCustomer();
    await put(customerId, "On");
    product.arm.faults.down = true;
    await openCustomer({}, customerId);
    await reader.page.locator('.checks li[data-result="Inconclusive"]').first().waitFor();
    expect(await reader.isOn(reservations)).toBe(true);
    await toggle();
    const dialog = await reader.page.locator("fluent-dialog").innerText();
    for (const consequence of english.dialog.offConsequences) expect(dialog).toContain(consequence);
    expect(await reader.isOn(reservations)).toBe(true);
    await confirm();
    await done(english, "Off");
    expect(await readLog(product, customerId)).toMatchObject([{}, { operation: expect.stringMatching(/^Delete/) }]);
  });

  test("left while the answer is on its way, it is turned all the same", async () => {
    const customerId = await openCustomer();
    product.storage.fate = ({ path }) => (path === "/$batch" ? { delay: 1_000 } : "forward");
    const sent = reader.page.waitForRequest((request) => request.method() === "PUT");
    await turn("On");
    await sent;
    await reader.page.locator('nav a[data-screen="guidance"]').click();
    await reader.page.locator("main h1", { hasText: english.guidance.heading }).waitFor();
    await eventually(async () => expect(await readLog(product, customerId)).toHaveLength(1));
    await reader.page.goBack();
    await eventually(async () => expect(await reader.isOn(reservations)).toBe(true));
  });
});

describe("where Partner Center is moved,", () => {
  withProduct({ partnerCenterMode: "live" });
  afterEach(() => {
    product.partnerCenter.behaviour.writesDoNothing = false;
  });

  describe.each(languages)("in %s,", (language) => {
    const words = wordsOf[language];

    test("a change that it has not confirmed is pending, and then in force", async () => {
      const customerId = await openCustomer({ language });
      product.partnerCenter.behaviour.writesDoNothing = true;
      const seen = await watchSwitch();
      await turn("On");
      await eventually(async () => expect(await waiting()).toContain(words.switching.pending("On")));
      expect(await seen()).toEqual([false]);
      product.partnerCenter.behaviour.writesDoNothing = false;
      product.partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
      await done(words, "On", 25_000);
      expect(await seen()).toEqual([false, true]);
      await expectOneChange(customerId);
    }, 60_000);

    test("another change of the customer is under way: what it is, and Try again when it has ended", async () => {
      const customerId = await openCustomer({ language });
      product.partnerCenter.behaviour.writesDoNothing = true;
      expect(await put(customerId, "On", {}, "azureSavingsPlans")).toMatchObject({ status: 202 });
      await turn("On");
      const alert = await heardAlert();
      expect(alert).toContain(words.problems.ChangeInProgress?.message);
      expect(alert).toContain(words.problems.ChangeInProgress?.remedy);
      expect(await reader.isOn(reservations)).toBe(false);

      product.partnerCenter.behaviour.writesDoNothing = false;
      product.partnerCenter.policies.set(customerId, ["AzureSavingsPlan"]);
      await eventually(async () => expect(await readLog(product, customerId)).toHaveLength(1), 25_000);
      await again(words);
      await done(words, "On", 25_000);
      const log = await readLog(product, customerId);
      expect(log.map((each) => each.product)).toEqual(["azureSavingsPlans", reservations]);
    }, 90_000);

    test("it refuses: why, and what cures it", async () => {
      const customerId = await openCustomer({ language });
      product.partnerCenter.faults.add({
        match: { path: "SelfServePolicy" },
        fault: { kind: "status", status: 401, body: { code: "900421", description: "Multi-factor authentication" } },
      });
      await turn("On");
      const alert = await heardAlert();
      expect(alert).toContain(words.problems.PartnerCenterRefused?.message);
      expect(alert).toContain("900421");
      expect(alert).toContain("npm run partner-center:consent");
      if (language === "ja") expect(alert).toContain(words.problems.MfaRequired?.remedy);
      expect([await reader.isOn(reservations), asked.length, await buttons()]).toEqual([false, 1, []]);
      expect(await readLog(product, customerId)).toEqual([]);
    }, 60_000);

    test("it is down: On can be tried again, and is made once", async () => {
      const customerId = await openCustomer({ language });
      product.partnerCenter.faults.down = true;
      await turn("On");
      expect(await heardAlert(25_000)).toContain(words.problems.DependencyUnavailable?.message);
      product.partnerCenter.faults.down = false;
      await again(words);
      await done(words, "On", 25_000);
      await expectOneChange(customerId);
    }, 60_000);
  });

  test("what is pending is followed after a reload, and after the reader has been elsewhere", async () => {
    const customerId = await openCustomer();
    product.partnerCenter.behaviour.writesDoNothing = true;
    // The answer comes when the reader has gone.
    let batches = 0;
    product.storage.fate = ({ path }) => (path === "/$batch" && batches++ === 0 ? { delay: 1_500 } : "forward");
    const sent = reader.page.waitForRequest((request) => request.method() === "PUT");
    const answered = reader.page.waitForResponse((response) => response.request().method() === "PUT");
    await turn("On");
    await sent;
    await reader.page.locator('nav a[data-screen="guidance"]').click();
    expect((await answered).status()).toBe(202);
    await reader.page.goBack();
    await eventually(async () => expect(await waiting()).toContain(english.switching.pending("On")));
    await reader.page.reload();
    await eventually(async () => expect(await waiting()).toContain(english.switching.pending("On")));
    product.partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
    await done(english, "On", 25_000);
    await expectOneChange(customerId);
  }, 60_000);

  test("what is pending is seen by others, too: in the list, at the customer, and nobody but an Admin Agent ends it", async () => {
    const customerId = nextCustomer();
    product.partnerCenter.behaviour.writesDoNothing = true;
    expect((await put(customerId, "On")).status).toBe(202);
    reader = await openReader(browser, product, {});
    await reader.signIn("Bob", `#/customers?search=${customerId}`);
    const row = reader.page.locator("table.customers tbody tr");
    await eventually(async () => expect(await row.innerText()).toContain(english.customers.pending("On")));
    await row.getByRole("link").click();
    await eventually(async () => expect(await waiting()).toContain(english.switching.pending("On")));
    expect(await reader.page.locator(".pending fluent-button").count()).toBe(0);
    product.partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
    await done(english, "On", 25_000);
    expect(await waiting()).toBe("");
  }, 60_000);
});

describe("where an operator moves the switch in Partner Center,", () => {
  withProduct({
    partnerCenterMode: "manual",
    settings: async () => ({ PORT: await freePort(), PARTNER_CENTER_MANUAL_HOURS: "1" }),
  });
  /** So many minutes have gone by for the instance that goes on. */
  async function goOn(minutes: number): Promise<void> {
    await product.kill();
    await product.start({ behind: -60 * minutes });
  }
  beforeAll(() => {
    // Also good when an hour has gone by.
    product.entra.tokenLifetimeSeconds = 3 * 60 * 60;
  });
  beforeEach(() => goOn(0));

  describe.each(languages)("in %s,", (language) => {
    const words = wordsOf[language];

    test("the steps are shown until it is done, also after a reload, and then the switch moves", async () => {
      const customerId = await openCustomer({ language });
      const seen = await watchSwitch();
      await turn("On");
      const { page } = reader;
      const expectSteps = async () => {
        const steps = page.locator(".pending ol li");
        await eventually(async () => expect(await steps.count()).toBe(6));
        expect(await waiting()).toContain(words.switching.pendingManual("On"));
        const expected =
          language === "ja"
            ? words.switching.manualSteps({ customerId, product: reservations, state: "On", expiresAt: "" }, false)
            : ["Sign in to the Partner Center dashboard as an Admin Agent.", "", "Select Account"];
        const [first = "", , third = ""] = expected;
        expect(await steps.nth(0).innerText()).toBe(first);
        expect(await steps.nth(1).innerText()).toContain(customerId);
        expect(await steps.nth(2).innerText()).toContain(third);
        expect(await page.locator(".pending a").getAttribute("href")).toBe(
          `https://partner.microsoft.com/dashboard/v2/customers/${customerId}/account`,
        );
        expect(await reader.isOn(reservations)).toBe(false);
      };
      await expectSteps();
      expect(await seen()).toEqual([false]);
      await page.reload();
      await expectSteps();

      // Nobody has moved it yet.
      await goOn(2);
      await product.trigger("SweepUnfinishedChanges");
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await reader.isOn(reservations)).toBe(false);
      product.partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
      await product.trigger("SweepUnfinishedChanges");
      await done(words, "On", 25_000);
      await expectOneChange(customerId);
      const entry = page.locator("#log tbody tr").first();
      await eventually(async () => expect(await entry.innerText()).toContain("ticket 4711"));
      await page.reload();
      await checked();
      expect([await reader.isOn(reservations), await news()]).toEqual([true, ""]);
    }, 90_000);

    test("what nobody has moved yet can be withdrawn, also after a reload and while the service is away", async () => {
      const customerId = await openCustomer({ language });
      await turn("On");
      await eventually(async () => expect(await waiting()).toContain(words.switching.pendingManual("On")));
      await reader.page.reload();
      await checked();
      await eventually(async () => expect(await waiting()).toContain(words.switching.pendingManual("On")));
      product.storage.fate = ({ path }) => (path === "/$batch" ? { status: 503 } : "forward");
      await reader.page.locator(".pending fluent-button", { hasText: words.switching.withdraw }).click();
      await reader.page.getByRole("alertdialog").waitFor();
      await confirm();
      await dialogEnds();
      expect(await heardAlert(25_000)).toContain(words.problems.DependencyUnavailable?.message);
      // Nothing was withdrawn, so it is waited for as before.
      expect(await waiting()).toContain(words.switching.withdraw);
      product.storage.fate = () => "forward";
      await again(words);
      await eventually(async () => expect(await waiting()).toContain(words.switching.pendingManual("Off")), 25_000);
      expect(await waiting()).not.toContain(words.switching.withdraw);
      await goOn(20);
      await product.trigger("SweepUnfinishedChanges");
      await done(words, "Off", 25_000);
      expect(await waiting()).toBe("");
      await goOn(0);
      expect(await readLog(product, customerId)).toMatchObject([
        { product: reservations, result: "Failed", error: { code: "Overtaken" } },
        { product: reservations, operation: expect.stringMatching(/^Delete/), result: "Succeeded" },
      ]);
    }, 90_000);

    test("what nobody moves in time has failed, with the reason, and the switch is where it was", async () => {
      const customerId = await openCustomer({ language });
      await turn("On");
      await eventually(async () => expect(await waiting()).toContain(words.switching.pendingManual("On")));
      await goOn(75);
      await product.trigger("SweepUnfinishedChanges");
      const alert = await heardAlert(25_000);
      expect(alert).toContain(words.switching.failed);
      expect(alert).not.toContain(words.problems.PartnerCenterRefused?.message);
      expect(alert).toContain(
        words.problems.NotConfirmed?.message ?? "Nobody has moved the switch in Partner Center within 1 hour",
      );
      expect(alert).toContain(words.problems.NotConfirmed?.remedy ?? "Look at the customer's permissions");
      expect(await reader.isOn(reservations)).toBe(false);
      const entry = reader.page.locator("#log tbody tr").first();
      await eventually(async () => expect(await entry.innerText()).toContain(words.results.Failed));
      expect(await entry.innerText()).toContain(`${words.customer.reason}: ticket 4711`);
      await reader.page.reload();
      await checked();
      expect([await reader.isOn(reservations), await news()]).toEqual([false, ""]);
      await goOn(0);
      expect(await readLog(product, customerId)).toMatchObject([{ result: "Failed", reason: "ticket 4711" }]);
    }, 90_000);
  });
});

async function openCustomer(options: ReaderOptions = {}, customerId = nextCustomer()): Promise<string> {
  reader = await openReader(browser, product, options);
  asked = [];
  reader.page.on("request", (request) => {
    if (request.method() === "PUT") asked.push(request);
  });
  await reader.signIn("Ada", `#/customers/${customerId}`);
  await checked();
  return customerId;
}

/** The page has asked whether it may be turned On. */
async function checked(): Promise<void> {
  await reader.page.locator(".checks li").first().waitFor();
}

async function toggle(): Promise<void> {
  await reader.switchOf(reservations).click();
  await reader.page.getByRole("alertdialog").waitFor();
}

async function fillIn(): Promise<void> {
  await reader.page.locator("#acknowledge").click();
  await reader.page.locator("#reason").click();
  await reader.page.keyboard.type("ticket 4711");
}

async function confirm(): Promise<void> {
  await reader.page.locator('fluent-dialog fluent-button[appearance="primary"]').click();
}

async function turn(state: PermissionState): Promise<void> {
  await toggle();
  if (state === "On") await fillIn();
  await confirm();
  await dialogEnds();
}

async function dialogEnds(): Promise<void> {
  await eventually(async () => expect(await reader.page.locator("fluent-dialog").count()).toBe(0));
}

function complaint(): Promise<string> {
  return reader.page.locator('.complaint[role="alert"]').innerText();
}

function focused(): Promise<string | undefined> {
  return reader.page.evaluate(() => document.activeElement?.id);
}

/** What is said below the switch, to all readers. */
function news(): Promise<string> {
  return reader.page.locator('.news[aria-live="polite"]').first().innerText();
}

/** What is said below the switch about a change that has not come to be yet. */
function waiting(): Promise<string> {
  return reader.page.locator('.pending[aria-live="polite"]').first().innerText();
}

function card(): Promise<string> {
  return reader.page.locator(".card.permission").first().innerText();
}

/** @returns what the alert below the switch says; a screen reader is told at once */
async function heardAlert(timeout = 25_000): Promise<string> {
  const alert = reader.page.locator('.news [role="alert"]').first();
  await alert.waitFor({ timeout });
  expect((await reader.heard("alert")).length).toBeGreaterThan(0);
  return alert.innerText();
}

function buttons(): Promise<string[]> {
  return reader.page.locator(".news .problem fluent-button").allInnerTexts();
}

async function again(words: Words): Promise<void> {
  expect(await buttons()).toEqual([words.again]);
  const sent = asked.length;
  await reader.page.locator(".news .problem fluent-button").click();
  await eventually(async () => expect(asked).toHaveLength(sent + 1));
}

async function done(words: Words, state: PermissionState, milliseconds = 25_000): Promise<void> {
  await eventually(async () => expect(await news()).toContain(words.switching.done(reservations, state)), milliseconds);
  expect(await reader.isOn(reservations)).toBe(state === "On");
  expect(await card()).toContain(words.states[state]);
}

/** However often it was sent: under one id, and there is one entry. */
async function expectOneChange(customerId: string, sendings?: number): Promise<void> {
  const ids = asked.map((request) => request.headers()["repeatability-request-id"]);
  if (sendings !== undefined) expect(ids).toHaveLength(sendings);
  expect(new Set(ids).size).toBe(1);
  const log = await readLog(product, customerId);
  expect(log).toMatchObject([{ result: "Succeeded", changeId: ids[0], reason: "ticket 4711" }]);
  expect(faultsOfLog(log)).toEqual([]);
}

/** @returns what the switch has shown until then, frame by frame */
async function watchSwitch(): Promise<() => Promise<boolean[]>> {
  const seen = await reader.switchOf(reservations).evaluateHandle((it) => {
    const states: boolean[] = [];
    const look = () => {
      const { checked: state } = it as HTMLElement & { checked: boolean };
      if (states.at(-1) !== state) states.push(state);
      requestAnimationFrame(look);
    };
    look();
    return states;
  });
  return () => seen.jsonValue();
}

function put(customerId: string, state: PermissionState, fields: object = {}, permission: Permission = reservations) {
  return product.call("PUT", `/customers/${customerId}/permissions/${permission}`, { body: { state, ...fields } });
}

function customerOf(customerId: string): Customer {
  const found = product.customers.find(({ customer }) => customer.tenantId === customerId);
  if (found === undefined) throw new Error(`There is no customer ${customerId}.`);
  return found.customer;
}

function suspend({ subscriptions }: Customer): void {
  for (const subscription of subscriptions) subscription.state = "Disabled";
}

function removeOwner(customer: Customer): void {
  customer.roleAssignments = customer.roleAssignments.filter(({ principalType }) => principalType !== "User");
}

function removeReader(customer: Customer): void {
  const { objectId } = customer.application;
  customer.roleAssignments = customer.roleAssignments.filter(({ principalId }) => principalId !== objectId);
}

/** One that a restarted instance can have again: the page stays where it is. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return String(port);
}
