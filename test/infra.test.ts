/** What `azd up` deploys is checked without Azure: Bicep by its grammar and types, and everything that must agree with the code. */

import { beforeAll, expect, test } from "@jest/globals";
import { readBicepTexts } from "./infra/bicep.ts";
import { type CheckBicep, createCheck } from "./infra/check.ts";
import { readTypeSnapshot } from "./infra/type-snapshot.ts";

let check: CheckBicep;
beforeAll(async () => {
  check = await createCheck(readTypeSnapshot());
});

test("nothing is found in the Bicep files", () => {
  expect(check(readBicepTexts()).findings).toEqual([]);
});
