/**
 * The page in a real browser: Chromium, driven by playwright-core. Whatever a reader would not put up with fails the test
 * that met it: a violation of the content security policy, an error of the page, a request to somebody else.
 */

import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { source as axeSource } from "axe-core";
import {
  type Browser,
  type BrowserContext,
  chromium,
  type LaunchOptions,
  type Locator,
  type Page,
} from "playwright-core";
import type { FoundBrowser } from "./find-browser.ts";
import type { Product } from "./product.ts";

export interface ReaderOptions {
  readonly language?: "en" | "ja";
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly zone?: string;
}

/** Somebody with a browser of their own. */
export interface Reader {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly language: "en" | "ja";
  /** What went wrong since it was last asked; a test that provokes something takes it out. */
  faults(): string[];
  /** Opens the page at this hash and signs in as Ada, Bob, Carol or Dan of the local issuer. */
  signIn(name: string, hash?: string): Promise<void>;
  /** A switch by its product; Playwright does not see the role of an element that has it by ElementInternals. */
  switchOf(product: "azureReservations" | "azureSavingsPlans"): Locator;
  isOn(product: "azureReservations" | "azureSavingsPlans"): Promise<boolean>;
  /** @returns what axe-core finds wrong, each with the elements it is about */
  axe(rules?: "all" | "colours"): Promise<string[]>;
  /** What a screen reader is told of the nodes with this role. */
  heard(role: string): Promise<{ readonly name: string; readonly properties: Readonly<Record<string, unknown>> }[]>;
  /** Into .local/screenshots, which git ignores. */
  shoot(name: string): Promise<void>;
  close(): Promise<void>;
}

export async function openBrowser(options: LaunchOptions = {}): Promise<Browser> {
  const { executablePath, environment }: FoundBrowser = JSON.parse(process.env.TEST_BROWSER ?? "");
  return chromium.launch({
    executablePath,
    env: { ...process.env, ...environment },
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
    ...options,
  });
}

export async function openReader(
  browser: Browser,
  product: Product,
  { language = "en", theme = "light", width = 1200, zone = "Asia/Tokyo" }: ReaderOptions = {},
): Promise<Reader> {
  const context = await browser.newContext({
    locale: language,
    colorScheme: theme,
    viewport: { width, height: 900 },
    // Transitions would be in the pictures, and are waited for by nobody.
    reducedMotion: "reduce",
    timezoneId: zone,
  });
  context.setDefaultTimeout(30_000);
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: product.url });
  const page = await context.newPage();
  const known = new Set([product.url, product.browserDoor.url]);
  let faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`error of the page: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    // A refusal of the API is one of its answers; the browser reports it as if it were a fault.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isAnswer) faults.push(`console: ${message.text()}`);
  });
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (!known.has(origin) && protocol !== "data:" && protocol !== "blob:") faults.push(`asked ${request.url()}`);
  });
  const switchOf: Reader["switchOf"] = (name) => page.locator(`#switch-${name}`);

  return {
    page,
    context,
    language,
    switchOf,
    faults() {
      const found = faults;
      faults = [];
      return found;
    },
    async signIn(name, hash = "") {
      await page.goto(`${product.pageUrl}${hash}`);
      await page.locator(".sign-in fluent-button").click();
      await page.getByRole("link", { name: new RegExp(`^${name}`) }).click();
      await page.waitForURL((url) => url.href.startsWith(product.pageUrl) && url.search === "");
      await page.locator("main h1").waitFor();
    },
    isOn: (name) => switchOf(name).evaluate((it) => (it as HTMLElement & { checked: boolean }).checked),
    async axe(rules = "all") {
      await page.evaluate(axeSource);
      const options =
        rules === "all" ? {} : { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };
      const violations = await page.evaluate(async (options) => {
        const { axe } = globalThis as unknown as {
          axe: {
            run(
              options: object,
            ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
          };
        };
        return (await axe.run(options)).violations;
      }, options);
      return violations.map(({ id, nodes }) =>
        [id, ...nodes.map(({ html, failureSummary }) => `${html} ${failureSummary ?? ""}`)].join("\n"),
      );
    },
    async heard(role) {
      const session = await context.newCDPSession(page);
      const { nodes } = await session.send("Accessibility.getFullAXTree");
      await session.detach();
      return nodes
        .filter((node) => node.role?.value === role && !node.ignored)
        .map((node) => ({
          name: String(node.name?.value ?? ""),
          properties: Object.fromEntries((node.properties ?? []).map(({ name, value }) => [name, value.value])),
        }));
    },
    async shoot(name) {
      const folder = resolve(".local/screenshots");
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
    },
    close: () => context.close(),
  };
}
