/** Everything that the page says, in one language. Names of things as Partner Center and the article have them. */

import type { Operation } from "../shared/domain/activity.ts";
import type { AgentRole } from "../shared/domain/agent-role.ts";
import type { findingCodes } from "../shared/domain/drift.ts";
import type { ignoredOwnerCodes } from "../shared/domain/eligibility.ts";
import type { PermissionState, Product } from "../shared/domain/permission.ts";
import type { Theme } from "./theme.ts";

/** What to say of a code, and what the reader can do. Absent: the API's own (English) words are shown. */
export interface Explained {
  readonly message?: string;
  readonly remedy?: string;
}

export interface ManualChange {
  readonly customerId: string;
  readonly product: Product;
  readonly state: PermissionState;
  /** In words. */
  readonly expiresAt: string;
}

export interface Words {
  readonly title: string;
  readonly loading: string;
  readonly again: string;
  readonly cancel: string;
  readonly opensElsewhere: string;
  readonly requestId: (id: string) => string;

  readonly shell: {
    readonly skip: string;
    readonly navigation: string;
    readonly customers: string;
    readonly activities: string;
    readonly guidance: string;
    readonly language: string;
    readonly theme: string;
    readonly themes: Readonly<Record<Theme, string>>;
    readonly signOut: string;
    readonly roles: Readonly<Record<AgentRole, string>>;
    readonly readsOnly: (role: string) => string;
  };
  readonly signIn: {
    readonly heading: string;
    readonly text: string;
    readonly button: string;
    readonly buttonOf: (tenant: string) => string;
    readonly cancelled: string;
    readonly failed: (code: string) => string;
    readonly unavailable: string;
    readonly noRole: string;
    readonly noRoleText: (userName: string) => string;
  };

  readonly products: Readonly<Record<Product, string>>;
  readonly states: Readonly<Record<PermissionState, string>>;
  readonly operations: Readonly<Record<Operation, string>>;
  readonly results: Readonly<Record<"Succeeded" | "Failed" | "Detected", string>>;
  readonly findings: Readonly<Record<(typeof findingCodes)[number], string>>;

  readonly customers: {
    readonly heading: string;
    readonly search: string;
    readonly searchHint: string;
    readonly filter: string;
    readonly filters: Readonly<Record<"all" | "on" | "off" | "drift" | "notEligible", string>>;
    readonly columnCustomer: string;
    readonly columnVerified: string;
    readonly since: (day: string, who: string) => string;
    readonly neverOn: string;
    readonly pending: (state: PermissionState) => string;
    readonly neverVerified: string;
    readonly unnamed: string;
    readonly noMatch: string;
    readonly noMatchYet: string;
    readonly none: string;
    readonly shown: (count: number, page: number) => string;
    readonly next: string;
    readonly previous: string;
    readonly pages: string;
  };
  readonly fleet: {
    readonly heading: string;
    readonly now: (count: number) => string;
    readonly change: (difference: number) => string;
    readonly detail: (reservations: number, savingsPlans: number) => string;
    readonly axis: (most: number) => string;
  };

  readonly customer: {
    readonly back: string;
    readonly tenantId: string;
    readonly domain: string;
    readonly relationship: string;
    readonly verified: string;
    readonly permissions: string;
    readonly allow: string;
    readonly lastChange: (moment: string, who: string) => string;
    readonly neverChanged: string;
    readonly reason: string;
    readonly found: (since: string) => string;
    readonly foundBy: (who: string) => string;
    /** By what Partner Center calls them. */
    readonly relationships: Readonly<Record<string, string>>;
  };
  readonly switching: {
    readonly needsAdminAgent: string;
    readonly notEligible: string;
    readonly cannotTell: string;
    readonly toChecks: string;
    readonly working: string;
    readonly pending: (state: PermissionState) => string;
    readonly withdraw: string;
    readonly pendingManual: (state: PermissionState) => string;
    readonly manualSteps: (change: ManualChange, alsoOther: boolean) => readonly string[];
    readonly openPartnerCenter: string;
    readonly done: (product: Product, state: PermissionState) => string;
    readonly unchanged: (product: Product, state: PermissionState) => string;
    readonly failed: string;
    readonly toActivity: string;
  };
  readonly dialog: {
    readonly turnOn: (product: Product, customer: string) => string;
    readonly turnOff: (product: Product, customer: string) => string;
    readonly consequences: readonly string[];
    readonly offConsequences: readonly string[];
    readonly acknowledge: string;
    readonly reason: string;
    readonly reasonHint: string;
    readonly reasonMissing: string;
    readonly acknowledgeMissing: string;
    readonly confirmOn: string;
    readonly confirmOff: string;
    readonly guidance: string;
  };
  readonly eligibility: {
    readonly heading: string;
    readonly checking: string;
    readonly again: string;
    readonly checkedAt: (moment: string) => string;
    readonly results: Readonly<Record<"Eligible" | "NotEligible" | "Inconclusive", string>>;
    readonly checkResults: Readonly<Record<"Passed" | "Failed" | "Inconclusive", string>>;
    readonly checks: Readonly<Record<"azureSubscription" | "ownerRole", string>>;
    readonly codes: Readonly<Record<string, Explained>>;
    readonly remedy: string;
    readonly openLink: string;
    readonly evidence: (count: number) => string;
    readonly counts: string;
    readonly countsNot: string;
    readonly subscriptionCodes: Readonly<Record<string, string>>;
    readonly state: string;
    readonly quotaId: string;
    readonly owners: string;
    readonly noOwners: string;
    readonly ignoredOwners: string;
    readonly ignored: Readonly<Record<(typeof ignoredOwnerCodes)[number], string>>;
    readonly principalTypes: Readonly<Record<string, string>>;
    readonly atScope: (scope: string) => string;
    readonly conditional: string;
    /** Of a subscription, as Azure calls them; `Unknown`: Azure does not say, neither its offer. */
    readonly states: Readonly<Record<string, string>>;
  };
  readonly timeline: {
    readonly heading: string;
    readonly none: string;
    readonly from: (moment: string) => string;
    readonly until: (moment: string) => string;
    readonly stillOn: string;
    readonly by: (who: string) => string;
    readonly onlyNewest: (count: number) => string;
  };
  readonly activities: {
    readonly heading: string;
    readonly ofCustomer: string;
    readonly at: string;
    readonly operation: string;
    readonly product: string;
    readonly result: string;
    readonly by: string;
    readonly why: string;
    readonly customer: string;
    readonly sequence: string;
    readonly application: (name: string) => string;
    readonly acknowledged: string;
    readonly none: string;
    readonly newer: string;
    readonly older: string;
    readonly from: string;
    readonly to: string;
    readonly download: string;
    readonly downloading: (count: number) => string;
    readonly downloaded: (count: number) => string;
    readonly findingClosed: (finding: string) => string;
  };
  readonly guidance: {
    readonly heading: string;
    readonly forPartner: string;
    readonly points: readonly string[];
    readonly source: string;
    readonly forCustomer: string;
    readonly letter: string;
    readonly copy: string;
    readonly copied: string;
  };
  /** By the code of the API's error, or of its detail. */
  readonly problems: Readonly<Record<string, Explained>>;
  readonly problemHeading: string;
}
