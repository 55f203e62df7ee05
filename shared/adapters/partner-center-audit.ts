/** Partner Center's audit records, asked for who changed a customer's policy last. */

import type { AuditTrail } from "../ports.ts";
import { createPolicyRecords, newestOf } from "./partner-center-audit-records.ts";
import type { PartnerCenterOptions } from "./partner-center-calls.ts";

/** One query spans 30 days at most, and a day without a time counts as a whole one at both ends. */
const lastMonth = { from: 29 };
/** A customer with more records than these in a month is not searched on. */
const limits = { pages: 4, milliseconds: 20_000, ofOthers: "refuse" } as const;
const longestName = 256;

/** @param options.applicationId ours: what it did itself was not done outside */
export function createPartnerCenterAudit(
  options: PartnerCenterOptions & { readonly applicationId: string },
): AuditTrail {
  const lookAt = createPolicyRecords(options);
  const ours = options.applicationId.toLowerCase();

  return {
    async lastChangeOf(customerId, call) {
      const last = newestOf((await lookAt(customerId, call, limits)(lastMonth)) ?? []);
      if (last === undefined) return undefined;
      const { applicationId, userPrincipalName } = last.item;
      // Our own is the newest: what was found is not in the log yet, and an older record would name somebody else.
      if (String(applicationId).toLowerCase() === ours) return undefined;
      const name = nameFrom(userPrincipalName);
      return { at: new Date(last.at), ...(name === "" ? {} : { userPrincipalName: name }) };
    },
  };
}

/** Text of others: bounded, on one line, and never looked into. */
function nameFrom(value: unknown): string {
  if (typeof value !== "string") return "";
  return value
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, "")
    .trim()
    .slice(0, longestName)
    .toWellFormed();
}
