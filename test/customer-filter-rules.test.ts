/** Which customers a list shows: the rules of `search` and `finding`. */

import { describe, expect, test } from "@jest/globals";
import {
  type CustomerFilter,
  findingKinds,
  isWanted,
  searchedBeginning,
  searchedId,
} from "../shared/domain/customer-filter.ts";
import { type Finding, findingCodes } from "../shared/domain/drift.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import type { CustomerProfile } from "../shared/domain/partner-customer.ts";
import { type CustomerRecord, untouchedCustomer } from "../shared/domain/permission.ts";
import { contoso, noon } from "./fakes/facts.ts";

const of = (name: string, domain = "none.example"): CustomerProfile => ({ name, domain });

function isFound(search: string, profile?: CustomerProfile, customerId: CustomerId = contoso): boolean {
  const record = untouchedCustomer(customerId);
  return isWanted(profile === undefined ? { record } : { record, profile }, { search });
}

function withFindings(...codes: Finding["code"][]): CustomerRecord {
  const findings = codes.map((code) => {
    return { code, product: "azureReservations", message: "found", since: noon.toISOString() } as const;
  });
  return { ...untouchedCustomer(contoso), findings };
}

describe("search", () => {
  test.each([
    ["a part of the name", "ntos", of("Contoso Ltd"), true],
    ["other letters' size", "CONTOSO l", of("contoso Ltd"), true],
    ["a part of the domain", "onmicro", of("A", "a.onmicrosoft.com"), true],
    ["half width for full width", "Contoso", of("Ｃｏｎｔｏｓｏ株式会社"), true],
    ["full width for half width", "ｃｏｎｔｏｓｏ", of("Contoso"), true],
    ["half-width katakana with its voice mark", "ﾌｧﾌﾞﾘｶﾑ", of("ファブリカム合同会社"), true],
    ["composed for decomposed letters", "söhne", of("So\u0308hne"), true],
    ["SS for ß", "STRASSE", of("Hauptstraße"), true],
    ["either sigma", "ΟΔΟΣ", of("οδος"), true],
    ["other letters", "fabrikam", of("Contoso", "contoso.example"), false],
    ["the middle of an id", "0000", undefined, false],
    ["the middle of an id, of a customer with a name", "0000", of("Contoso"), false],
    ["the beginning of the id", "C0FFEE00-0000", undefined, true],
    ["the beginning of the id in full width", "Ｃ０ＦＦＥＥ", of("Contoso"), true],
    ["a customer whose profile has no name", "contoso", { verifiedAt: noon.toISOString() }, false],
  ])("finds by %s", (_, search, profile, found) => {
    expect(isFound(search, profile)).toBe(found);
  });

  test.each([
    [contoso, contoso],
    [contoso.toUpperCase(), contoso],
    [contoso.slice(0, -1), undefined],
    [`${contoso}0`, undefined],
    ["Contoso", undefined],
  ])("of %s is for the id %s", (search, customerId) => {
    expect(searchedId(search)).toBe(customerId);
  });

  test.each([
    ["c0ffee", "c0ffee"],
    ["C0FFEE00-", "c0ffee00-"],
    ["Ａ０", "a0"],
    [contoso, contoso],
    [`${contoso}0`, undefined],
    ["g", undefined],
    ["a b", undefined],
    ["a'", undefined],
  ])("of %s is for ids that begin with %s", (search, beginning) => {
    expect(searchedBeginning(search)).toBe(beginning);
  });
});

describe("finding", () => {
  const drift: readonly string[] = ["TurnedOnOutside", "TurnedOffOutside"];

  test.each(findingCodes)("%s is of one kind", (code) => {
    const kinds = findingKinds.filter((finding) => isWanted({ record: withFindings(code) }, { finding }));
    expect(kinds).toEqual([drift.includes(code) ? "Drift" : "NotEligible", "Any"]);
  });

  test("is asked of all findings, and of a customer without any there is none", () => {
    for (const finding of findingKinds) {
      expect(isWanted({ record: withFindings("OwnerLost", "TurnedOnOutside") }, { finding })).toBe(true);
      expect(isWanted({ record: withFindings() }, { finding })).toBe(false);
      expect(isWanted({ record: untouchedCustomer(contoso) }, { finding })).toBe(false);
    }
  });
});

test("all conditions have to hold, and without any every customer is wanted", () => {
  const record = withFindings("OwnerLost");
  const profile = of("Contoso");
  const all: CustomerFilter = { state: "Off", finding: "NotEligible", search: "con" };

  expect(isWanted({ record, profile }, {})).toBe(true);
  expect(isWanted({ record, profile }, all)).toBe(true);
  expect(isWanted({ record, profile }, { ...all, state: "On" })).toBe(false);
  expect(isWanted({ record, profile }, { ...all, finding: "Drift" })).toBe(false);
  expect(isWanted({ record, profile }, { ...all, search: "fab" })).toBe(false);
});
