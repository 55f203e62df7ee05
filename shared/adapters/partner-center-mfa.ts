/** Whether our account signed in with multi-factor authentication, as Partner Center sees it. */

import { randomUUID } from "node:crypto";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { createAsk, noFrom, type PartnerCenterOptions } from "./partner-center-calls.ts";

/**
 * Asks Partner Center whether our account's tokens come from a sign-in with multi-factor authentication, before it
 * refuses them for it (401/900421). https://learn.microsoft.com/partner-center/security/partner-center-authentication
 *
 * @returns undefined when Partner Center did not say
 * @throws as SelfServePolicies.read does
 */
export async function probeMfa(options: PartnerCenterOptions): Promise<boolean | undefined> {
  const call = { requestId: randomUUID(), correlationId: randomUUID() };
  const question = { method: "GET", path: "/v1/customers?size=1", headers: { ValidateMfa: "true" } } as const;
  try {
    const answer = await createAsk(options)(question, call);
    // It may be said along with a refusal for another reason, which is then what matters.
    if (answer.status !== 200) throw noFrom(answer);
    const said = answer.header("isMfaCompliant")?.toLowerCase();
    return said === "true" || said === "false" ? said === "true" : undefined;
  } catch (error) {
    if (error instanceof PartnerCenterRefusal && error.reason === "MfaRequired") return false;
    throw error;
  }
}
