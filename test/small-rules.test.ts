/** The smallest rules: ids, codes of others, refusals, and a customer never touched. */

import { describe, expect, test } from "@jest/globals";
import { DirectoryFailure } from "../shared/domain/directory-failure.ts";
import { foreignCode, foreignWords } from "../shared/domain/foreign-words.ts";
import { type ChangeId, parseGuid } from "../shared/domain/identifiers.ts";
import { shownPermissionsOf, untouchedCustomer } from "../shared/domain/permission.ts";
import { dependencyUnavailable, invalidRequest, Refusal } from "../shared/domain/refusal.ts";
import { contoso } from "./fakes/facts.ts";

describe("an id", () => {
  test.each([contoso, contoso.toUpperCase(), "00000000-0000-0000-0000-000000000000"])(
    "%s is kept in small letters",
    (id) => {
      expect(parseGuid(id)).toBe(id.toLowerCase());
    },
  );

  test.each<[string, unknown]>([
    ["empty", ""],
    ["in braces", `{${contoso}}`],
    ["without hyphens", contoso.replaceAll("-", "")],
    ["with a blank before", ` ${contoso}`],
    ["with a line break after", `${contoso}\n`],
    ["one digit short", contoso.slice(1)],
    ["one digit long", `${contoso}0`],
    ["with a letter that is no digit", contoso.replace("c", "g")],
    ["with a digit of another script", contoso.replace("0", "\u0660")],
    ["with a path", `${contoso}/../x`],
    ["missing", undefined],
    ["null", null],
    ["a number", 12],
    ["a list that reads like one", [contoso]],
    ["an object that reads like one", { toString: () => contoso }],
  ])("%s is none", (_, value) => {
    expect(parseGuid(value)).toBeUndefined();
  });
});

test("a customer never touched has both switches Off, no activity and the chain's first link", () => {
  const record = untouchedCustomer(contoso);

  expect(record).toMatchObject({ customerId: contoso, sequence: 0, headHash: "0".repeat(64) });
  expect(shownPermissionsOf(record)).toEqual(
    ["azureReservations", "azureSavingsPlans"].map((product) => ({
      customerId: contoso,
      product,
      state: "Off",
      changedAt: null,
      changedBy: null,
      changeId: null,
    })),
  );
});

test("a change under way is shown at the switch that it is about, and at no other", () => {
  const unfinished = {
    changeId: contoso as string as ChangeId,
    product: "azureSavingsPlans",
    state: "On",
    since: "2026-11-01T00:00:00.000Z",
  } as const;
  const [reservations, savingsPlans] = shownPermissionsOf({ ...untouchedCustomer(contoso), unfinished });

  expect(reservations).not.toHaveProperty("pending");
  expect(savingsPlans).toMatchObject({
    state: "Off",
    pending: { changeId: contoso, state: "On", since: unfinished.since },
  });
  expect(savingsPlans?.pending).not.toHaveProperty("product");
});

describe("a refusal", () => {
  test("carries what mends it, and the cause for the log", () => {
    const cause = new Error("inner");
    const options = { target: "state", details: [{ a: 1 }], retryAfterSeconds: 3, cause };

    const refusal = new Refusal("InvalidRequest", "No.", options);

    expect(refusal).toMatchObject({ name: "Refusal", code: "InvalidRequest", message: "No.", ...options });
    expect(refusal).toBeInstanceOf(Error);
  });

  test("needs nothing but its code and words", () => {
    const refusal = new Refusal("NotFound", "No.");

    expect(refusal.target).toBeUndefined();
    expect(refusal.details).toBeUndefined();
    expect(refusal.retryAfterSeconds).toBeUndefined();
  });

  test("of a malformed request names what is to blame", () => {
    expect(() => invalidRequest("product", "Not like that.")).toThrow(
      expect.objectContaining({ code: "InvalidRequest", target: "product", message: "Not like that." }),
    );
  });

  test("for want of a dependency says when to come again: in five seconds unless told", () => {
    const cause = new Error("inner");

    expect(dependencyUnavailable("Entra")).toMatchObject({
      code: "DependencyUnavailable",
      message: "Entra is unavailable.",
      retryAfterSeconds: 5,
      cause: undefined,
    });
    expect(dependencyUnavailable("Entra", { cause, retryAfterSeconds: 60 })).toMatchObject({
      retryAfterSeconds: 60,
      cause,
    });
  });
});

test("a directory's failure keeps its reason, its cause and how long Azure asked to wait", () => {
  const cause = new Error("inner");

  const failure = new DirectoryFailure("DependencyUnavailable", "Throttled.", { cause, retryAfterSeconds: 7 });

  expect(failure).toMatchObject({ name: "DirectoryFailure", message: "Throttled.", cause, retryAfterSeconds: 7 });
  expect(new DirectoryFailure("ReaderRoleMissing", "No.").retryAfterSeconds).toBeUndefined();
});

describe("a code that somebody else has made", () => {
  test.each(["AuthorizationFailed", "ERR_SOCKET.1", "900421", 404, "x".repeat(60)])("%p is told on", (code) => {
    expect(foreignCode(code)).toBe(String(code));
  });

  test.each<[string, unknown]>([
    ["long enough to be a token", "x".repeat(61)],
    ["a sentence", "The token is bad"],
    ["in base64", "c2VjcmV0/w=="],
    ["empty", ""],
    ["missing", undefined],
    ["null", null],
    ["an object", { toString: () => "secret" }],
    ["two lines", "Code\nsecret"],
  ])("is not when it is %s", (_, code) => {
    expect(foreignCode(code)).toBeUndefined();
  });
});

describe("the words of somebody else", () => {
  test.each([
    ["The role is missing.", "The role is missing."],
    [`Quote ${contoso}.`, `Quote ${contoso}.`],
    ["two\nlines\tand\u0000a\u202eturn", "two lines and a turn"],
    ["one\r\n\r\nspace", "one space"],
    [`Bearer ${"x".repeat(40)} is bad`, "Bearer … is bad"],
    [`{"token":"${"x".repeat(40)}"}`, '{"token":"…"}'],
    [`?key=${"a%2B/".repeat(10)}`, "…"],
  ])("%j are told as %j", (text, told) => {
    expect(foreignWords(text, 200)).toBe(told);
  });

  test("are cut, and not inside a character", () => {
    expect(foreignWords("ab cd", 3)).toBe("ab ");
    expect(foreignWords("ab 😀", 4)).toBe("ab \ufffd");
  });
});
