/** Which customers a list shall show: by their switches, by what was found of them, and by what people know them as. */

import type { Finding } from "./drift.ts";
import { type CustomerId, parseGuid } from "./identifiers.ts";
import type { CustomerProfile } from "./partner-customer.ts";
import { type CustomerRecord, isAnyOn, type PermissionState } from "./permission.ts";

/** `Drift`: somebody turned a permission elsewhere. `NotEligible`: what an On needs is gone. `Any`: either. */
export const findingKinds = ["Drift", "NotEligible", "Any"] as const;
export type FindingKind = (typeof findingKinds)[number];

const kindOf: Readonly<Record<Finding["code"], FindingKind>> = {
  TurnedOnOutside: "Drift",
  TurnedOffOutside: "Drift",
  OwnerLost: "NotEligible",
  SubscriptionGone: "NotEligible",
  SubscriptionSuspended: "NotEligible",
  RelationshipEnded: "NotEligible",
};

/** What is absent does not matter. */
export interface CustomerFilter {
  /** `On`: any switch On. `Off`: none. */
  readonly state?: PermissionState;
  readonly finding?: FindingKind;
  /** A part of the name or domain, or the beginning of the id. */
  readonly search?: string;
}

/** @returns whether a customer is one of those that are wanted */
export function isWanted(
  { record, profile }: { readonly record: CustomerRecord; readonly profile?: CustomerProfile },
  { state, finding, search }: CustomerFilter,
): boolean {
  return (
    (state === undefined || isAnyOn(record) === (state === "On")) &&
    (finding === undefined || hasFinding(record, finding)) &&
    (search === undefined || isKnownAs(record.customerId, profile, folded(search)))
  );
}

function hasFinding({ findings = [] }: CustomerRecord, wanted: FindingKind): boolean {
  return findings.some(({ code }) => wanted === "Any" || kindOf[code] === wanted);
}

function isKnownAs(customerId: CustomerId, { name, domain }: CustomerProfile = {}, search: string): boolean {
  return (
    folded(customerId).startsWith(search) ||
    [name, domain].some((text) => text !== undefined && folded(text).includes(search))
  );
}

/**
 * @returns the text without differences that people do not mean: large and small letters, full and half width
 * (Unicode NFKC). Large letters, because ß has none of its own, and small sigmas differ by their place.
 */
function folded(text: string): string {
  return text.normalize("NFKC").toUpperCase().normalize("NFKC");
}

/** @returns the id that is searched for, when all of it is there */
export function searchedId(search: string): CustomerId | undefined {
  return parseGuid<"customer">(search.normalize("NFKC"));
}

/** @returns what an id must begin with, or undefined when none begins like that; safe in a key */
export function searchedBeginning(search: string): string | undefined {
  const beginning = search.normalize("NFKC").toLowerCase();
  return /^[0-9a-f-]{1,36}$/.test(beginning) ? beginning : undefined;
}
