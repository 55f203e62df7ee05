/** What an operator can do about a refusal of Microsoft Entra during the first consent, by Entra's own number. */

import type { ConsentSettings } from "../shared/config.ts";
import type { PartnerCenterRefusal } from "../shared/domain/partner-center-refusal.ts";
import type { SignInAnswer } from "./sign-in-listener.ts";

type Case = ConsentSettings & { readonly redirectUri: string };

/** https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const cures: readonly [codes: readonly string[], cure: (about: Case) => string][] = [
  [
    ["AADSTS65004", "access_denied"],
    () => "The consent was declined or the sign-in cancelled: run this again and accept.",
  ],
  [
    ["AADSTS65001", "AADSTS90094", "consent_required"],
    ({ authorityHost, application: { tenantId, clientId } }) =>
      `An administrator of the partner's tenant has to consent to the application first, at ${authorityHost}/${tenantId}/adminconsent?client_id=${clientId}`,
  ],
  [
    ["AADSTS50011", "AADSTS500112", "AADSTS500113"],
    ({ redirectUri, application: { clientId } }) =>
      `Register ${redirectUri} as a redirect URI (platform Web) of application ${clientId}, exactly like this.`,
  ],
  [
    ["AADSTS50020", "AADSTS90072", "AADSTS50128", "AADSTS90002"],
    ({ application: { tenantId } }) => `Sign in with an account of the partner's tenant ${tenantId}.`,
  ],
  [
    ["AADSTS700016", "unauthorized_client"],
    ({ application: { tenantId, clientId } }) =>
      `There is no application ${clientId} in tenant ${tenantId}: check PARTNER_CENTER_CLIENT_ID and PARTNER_CENTER_TENANT_ID.`,
  ],
  [
    ["AADSTS7000215", "AADSTS7000222", "AADSTS7000216", "AADSTS7000218"],
    () => "The application's secret is wrong or has expired: check PARTNER_CENTER_CLIENT_SECRET.",
  ],
  [
    ["AADSTS700027", "AADSTS700023", "AADSTS700024"],
    () => "The application's certificate is not registered with it, or has expired.",
  ],
  [
    ["AADSTS50072", "AADSTS50074", "AADSTS50076", "AADSTS50078", "AADSTS50079"],
    () => "Sign in with multi-factor authentication.",
  ],
  [["AADSTS53000", "AADSTS53003"], () => "Conditional Access blocks this sign-in: ask an administrator of the tenant."],
  [
    ["AADSTS54005", "AADSTS70008", "AADSTS501481", "AADSTS9002313"],
    () => "The code was used already or is too old: run this again.",
  ],
];

/** @returns one sentence or two for what the browser brought; of the description only Entra's number is used */
export function describeAnswer({ error, description }: Extract<SignInAnswer, { error: string }>, about: Case): string {
  const word = /^\w{1,40}$/.exec(error)?.[0] ?? "an error";
  const code = /\bAADSTS\d{1,10}\b/.exec(description)?.[0];
  const named = code === undefined ? word : `${word} (${code})`;
  return `Microsoft Entra answered ${named}.${cureOf([code, word], about)}`;
}

export function describeRefusal({ message, partnerCenterCode }: PartnerCenterRefusal, about: Case): string {
  return `${message}${cureOf([partnerCenterCode], about)}`;
}

function cureOf(names: readonly (string | undefined)[], about: Case): string {
  const found = names.flatMap((name) => cures.filter(([codes]) => codes.some((code) => code === name)));
  return found[0] === undefined ? "" : ` ${found[0][1](about)}`;
}
