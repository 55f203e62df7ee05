/** What the page works out by itself: files, periods, addresses, times; and that Japanese has a word for every code. */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { type Activity, activityResults, operationOf } from "../../shared/domain/activity.ts";
import { directoryFailureReasons } from "../../shared/domain/directory-failure.ts";
import { findingCodes } from "../../shared/domain/drift.ts";
import { ignoredOwnerCodes, subscriptionCodes } from "../../shared/domain/eligibility.ts";
import { statusOf } from "../../shared/http/problem.ts";
import { linkOf } from "../../ui/activity-range.ts";
import { csvOf } from "../../ui/csv.ts";
import { periodsOf } from "../../ui/periods.ts";
import { activitiesAddress, customerAddress, customersAddress, routeOf } from "../../ui/route.ts";
import { timesIn } from "../../ui/times.ts";
import type { Explained } from "../../ui/words.ts";
import { english } from "../../ui/words-en.ts";
import { japanese } from "../../ui/words-ja.ts";
import { ada, ben, contoso, idOf } from "../fakes/facts.ts";

function activity(sequence: number, more: Partial<Activity> = {}): Activity {
  const day = String(sequence).padStart(2, "0");
  return {
    ...{ id: `${contoso}-${sequence}`, sequence, customerId: contoso, product: "azureReservations" },
    ...{ operation: operationOf.On, result: "Succeeded", at: `2026-03-${day}T12:00:00.000Z`, by: ada },
    ...{ requestId: "r", changeId: idOf(sequence), previousHash: "p", hash: `h${sequence}` },
    ...more,
  };
}
const off = { operation: operationOf.Off } as const;
const plans = { product: "azureSavingsPlans" } as const;

describe("periods", () => {
  const of = (...oldestFirst: Activity[]) =>
    periodsOf(oldestFirst.toReversed()).map(({ product, from, to, by, reason }) =>
      [product, from?.slice(8, 10), to?.slice(8, 10), by?.name, reason].map((part) => part ?? "–").join(" "),
    );

  test.each<[what: string, log: Activity[], periods: string[]]>([
    ["none without a log", [], []],
    ["one that lasts", [activity(1, { reason: "why" })], ["azureReservations 01 – Ada why"]],
    ["one that has ended", [activity(1), activity(4, { ...off, by: ben })], ["azureReservations 01 04 Ada –"]],
    ["one whose beginning is not known", [activity(4, off)], ["azureReservations – 04 – –"]],
    [
      "two of different permissions, at once",
      [activity(1), activity(2, plans), activity(3, off)],
      ["azureSavingsPlans 02 – Ada –", "azureReservations 01 03 Ada –"],
    ],
    [
      "the first On counts when it is confirmed again",
      [activity(1, { reason: "first" }), activity(2, { realigned: true, by: ben })],
      ["azureReservations 01 – Ada first"],
    ],
    [
      "what failed or was only detected has switched nothing",
      [activity(1, { result: "Failed" }), activity(2), activity(3, { ...off, result: "Detected" })],
      ["azureReservations 02 – Ada –"],
    ],
    ["an Off that was so already is no period", [activity(1, { ...off, realigned: true })], []],
    [
      "several, the newest first",
      [activity(1), activity(2, off), activity(3), activity(4, off), activity(5)],
      ["azureReservations 05 – Ada –", "azureReservations 03 04 Ada –", "azureReservations 01 02 Ada –"],
    ],
  ])("%s", (_what, log, periods) => {
    expect(of(...log)).toEqual(periods);
  });
});

describe("CSV", () => {
  const fieldOf = (reason: string) => {
    const [, row = ""] = csvOf([activity(1, { reason })]).split("2026-03-01");
    return row.slice(row.indexOf("User,") + "User,".length, row.lastIndexOf(",,,,r,"));
  };

  test.each([
    ["plain", "plain"],
    ["日本語", "日本語"],
    ["a, b", '"a, b"'],
    ['say "no"', '"say ""no"""'],
    ["one\ntwo", '"one\ntwo"'],
    ["one\r\ntwo", '"one\r\ntwo"'],
    ["=1+1", "'=1+1"],
    ["+1", "'+1"],
    ["-1", "'-1"],
    ["@A1", "'@A1"],
    ["＝1+1", "'＝1+1"],
    ["＋1", "'＋1"],
    ["－1", "'－1"],
    ["＠A1", "'＠A1"],
    ["\t=1", "'\t=1"],
    ["\r=1", '"\'\r=1"'],
    ["\n=1", '"\'\n=1"'],
    ['=A("x",1)', '"\'=A(""x"",1)"'],
    ["1=1", "1=1"],
  ])("has %j as %j", (reason, field) => {
    expect(fieldOf(reason)).toBe(field);
  });

  test("begins with a byte order mark and a head, and ends every line like RFC 4180", () => {
    expect(csvOf([])).toBe(
      `\uFEFF${
        csvOf([activity(1)])
          .slice(1)
          .split("\r\n")[0]
      }\r\n`,
    );
    expect(csvOf([activity(1), activity(2)]).match(/\r\n/g)).toHaveLength(3);
    expect(csvOf([])).toMatch(/^\uFEFFat,customerId,sequence,/);
  });
});

describe("addresses", () => {
  const id = "c0ffee00-0000-4000-8000-00000000000a";

  test.each([
    ["", { screen: "customers" }],
    ["#/", { screen: "customers" }],
    ["#/customers", { screen: "customers" }],
    ["#/nonsense", { screen: "customers" }],
    ["#/customers/x", { screen: "customers" }],
    [`#/customers/${id}/../x`, { screen: "customer", customerId: id }],
    [`#/customers/${id.toUpperCase()}`, { screen: "customer", customerId: id }],
    [`#/customers/${id}?x=1`, { screen: "customer", customerId: id }],
    ["#/customers/%2e%2e%2fadmin", { screen: "customers" }],
    ["#/activities", { screen: "activities" }],
    ["#/guidance", { screen: "guidance" }],
  ])("%j", (hash, route) => {
    expect(routeOf(hash)).toMatchObject(route);
  });

  test("carry what is looked for, whatever it is, there and back", () => {
    const search = "A&B=C #1? 商事 100%";
    const hash = customersAddress({ search, show: "" });
    expect(hash).not.toContain("show");
    const route = routeOf(hash);
    expect(route.screen === "customers" && route.query.get("search")).toBe(search);
    expect(customersAddress()).toBe("#/customers");
    expect(activitiesAddress({ from: "2026-01-01", to: "" })).toBe("#/activities?from=2026-01-01");
    expect(routeOf(customerAddress(id))).toEqual({ screen: "customer", customerId: id });
  });

  test("of the log name only what is wanted of it", () => {
    expect(linkOf({}, 20)).toBe("/api/activities?maxpagesize=20");
    const query = new URLSearchParams(linkOf({ customerId: id, from: "2026-01-01T00:00:00.000Z" }, 5).split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      ...{ maxpagesize: "5", customerId: id, from: "2026-01-01T00:00:00.000Z" },
    });
  });
});

describe("times", () => {
  const now = Date.parse("2026-03-31T12:00:00Z");
  const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

  test.each([
    [0, "now", "今"],
    [20_000, "now", "今"],
    [40_000, "1 minute ago", "1 分前"],
    [59 * minute, "59 minutes ago", "59 分前"],
    [60 * minute, "1 hour ago", "1 時間前"],
    [day, "1 day ago", "1 日前"],
    [29 * day, "29 days ago", "29 日前"],
    [50 * day, "2 months ago", "2 か月前"],
    [-2 * minute, "in 2 minutes", "2 分後"],
    [800 * day, "2 years ago", "2 年前"],
    // Never a unit's full number in place of the next one.
    [hour - 10_000, "1 hour ago", "1 時間前"],
    [day - minute, "1 day ago", "1 日前"],
  ])("%i ms ago", (milliseconds, inEnglish, inJapanese) => {
    const then = new Date(now - milliseconds).toISOString();
    expect([timesIn("en").ago(then, now), timesIn("ja").ago(then, now)]).toEqual([inEnglish, inJapanese]);
  });

  test.each([
    [0, "1 minute", "1 分"],
    [90_000, "2 minutes", "2 分"],
    [hour, "1 hour", "1 時間"],
    [23 * hour, "23 hours", "23 時間"],
    [12 * day, "12 days", "12 日"],
    [1_000 * day, "1,000 days", "1,000 日"],
  ])("a length of %i ms", (milliseconds, inEnglish, inJapanese) => {
    expect([timesIn("en").length(milliseconds), timesIn("ja").length(milliseconds)]).toEqual([inEnglish, inJapanese]);
  });
});

describe("Japanese words", () => {
  const isJapanese = (text: string | undefined) => /[\u3040-\u30ff\u4e00-\u9fff]/.test(text ?? "");
  const untold = (codes: readonly string[], words: Readonly<Record<string, string | Explained>>) =>
    codes.filter((code) => {
      const word = words[code];
      return !isJapanese(typeof word === "object" ? word.message : word);
    });
  /** Codes that stand in a source between these marks. */
  const codesIn = (file: string, pattern: RegExp) => [
    ...new Set([...readFileSync(file, "utf8").matchAll(pattern)].map(([, code = ""]) => code)),
  ];

  test("there are for every code that the API may answer", () => {
    expect(untold(subscriptionCodes, japanese.eligibility.subscriptionCodes)).toEqual([]);
    expect(untold(ignoredOwnerCodes, japanese.eligibility.ignored)).toEqual([]);
    expect(untold(findingCodes, japanese.findings)).toEqual([]);
    expect(untold(activityResults, japanese.results)).toEqual([]);
    expect(untold(Object.values(operationOf), japanese.operations)).toEqual([]);
    expect(untold(Object.keys(statusOf), japanese.problems)).toEqual([]);
    expect(untold(["Offline", "SignedOut"], japanese.problems)).toEqual([]);
  });

  test("there are for every verdict of a check", () => {
    const verdicts = codesIn("shared/domain/eligibility-report.ts", /\bcode: "(\w+)"/g);
    expect(verdicts.length).toBeGreaterThan(10);
    const failures = directoryFailureReasons.filter((reason) => reason !== "SubscriptionNotFound");
    expect(untold([...verdicts, ...failures], japanese.eligibility.codes)).toEqual([]);
  });

  test("there are for every reason that Partner Center has to refuse", () => {
    const reasons = codesIn("shared/domain/partner-center-refusal.ts", /^ {2}(\w+):\n? .*"/gm).filter((name) =>
      /^[A-Z]/.test(name),
    );
    const named = codesIn("shared/domain/partner-center-refusal.ts", /^ {2}\| "(\w+)"/gm);
    expect(named.length).toBeGreaterThan(5);
    expect(untold([...named, ...reasons, "NotConfirmed", "Overtaken"], japanese.problems)).toEqual([]);
  });

  test("there are wherever there are English ones, and only there", () => {
    const own = new Set(["codes", "relationships", "states", "problems"]);
    const shapeOf = (value: unknown, path = ""): string[] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, inner]) =>
            own.has(key) && path !== "" ? [`${path}${key}`] : own.has(key) ? [key] : shapeOf(inner, `${path}${key}.`),
          )
        : [path];
    expect(shapeOf(japanese)).toEqual(shapeOf(english));
  });
});
