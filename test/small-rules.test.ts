/** The smallest rules: ids, refusals, and a customer never touched. */

import { describe, expect, test } from "@jest/globals";
import { DirectoryFailure } from "../shared/domain/directory-failure.ts";
import { parseGuid } from "../shared/domain/identifiers.ts";
import { permissionsOf, untouchedCustomer } from "../shared/domain/permission.ts";
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
  expect(permissionsOf(record)).toEqual(
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
