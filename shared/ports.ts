/** What the use cases need from the world, in their own words. The adapters fit themselves to this. */

import type { Activity } from "./domain/activity.ts";
import type { Change, RecordedChange } from "./domain/change.ts";
import type { CustomerFilter } from "./domain/customer-filter.ts";
import type { CallbackAnswer, Delivery, DeliveryId, DeliveryPosition, SignedMessage } from "./domain/delivery.ts";
import type { AzureSubscription, RoleAssignment } from "./domain/eligibility.ts";
import type { Turn, UtcDate } from "./domain/fleet-history.ts";
import type { ChangeId, CustomerId, SubscriptionId } from "./domain/identifiers.ts";
import type { CustomerProfile, PartnerCustomer } from "./domain/partner-customer.ts";
import type { Sales } from "./domain/partner-sale.ts";
import type { CustomerRecord, UnfinishedChange } from "./domain/permission.ts";
import type { PolicyContent, PolicyPermission, SelfServePolicy } from "./domain/self-serve-policy.ts";
import type { Webhook, WebhookId } from "./domain/webhook.ts";

/** A customer's record and the version that a commit must still find. Version undefined: there is no row yet. */
export interface StoredCustomer {
  readonly record: CustomerRecord;
  readonly version: string | undefined;
}

/** One page of a list, and where the next one starts. */
export interface Page<Item, Position> {
  readonly items: readonly Item[];
  readonly next?: Position;
}

/**
 * The state of record. Every method may throw a Refusal `DependencyUnavailable`; none guesses.
 */
export interface PermissionStore {
  readCustomer(customerId: CustomerId): Promise<StoredCustomer>;
  findChange(customerId: CustomerId, changeId: ChangeId): Promise<Change | undefined>;
  /**
   * Writes record, changes and pending activity together or not at all.
   *
   * @param replaced what was read; it must still be there unchanged
   * @returns `unknown` when no answer came: it may be written, now or a little later. Look for the change.
   */
  commit(replaced: StoredCustomer, written: RecordedChange): Promise<"committed" | "conflict" | "unknown">;
  /** Changes that were begun before this time and are not finished. */
  listUnfinished(before: Date): Promise<readonly UnfinishedOf[]>;
  /** Forgets the changes committed before this time. @returns how many */
  purgeChanges(before: Date): Promise<number>;
}

/** Says whose change it is. */
export type UnfinishedOf = Pick<UnfinishedChange, "changeId"> & { readonly customerId: CustomerId };

/** Where an activity stands: enough to find it again, pending or logged. */
export type ActivityPosition = Pick<Activity, "customerId" | "at" | "sequence">;

/** Activities that were committed with a change and are not in the log yet. They are the truth about themselves. */
export interface PendingActivities {
  find(position: ActivityPosition): Promise<Activity | undefined>;
  /**
   * @param query.customerId only this customer's; @param query.before only those of changes before this time
   * @param query.limit the oldest so many of each partition that the store has
   */
  list(query: {
    readonly customerId?: CustomerId;
    readonly before?: Date;
    readonly limit?: number;
  }): Promise<readonly Activity[]>;
  remove(position: ActivityPosition): Promise<void>;
}

export interface ActivityRange {
  /** Inclusive. */
  readonly from?: Date;
  /** Exclusive. */
  readonly to?: Date;
  readonly limit: number;
}

/** The log: written once per entry, read newest first. */
export interface ActivityLog {
  /** @returns `exists` when an entry of that customer and sequence is there already, whatever it holds */
  insert(activity: Activity): Promise<"inserted" | "exists">;
  /** Puts the entry into the list over all customers; repeating it changes nothing. */
  index(activity: Activity): Promise<void>;
  find(customerId: CustomerId, sequence: number): Promise<Activity | undefined>;
  /** @returns up to `limit` entries, fewer only at the end */
  ofCustomer(
    customerId: CustomerId,
    range: ActivityRange & { readonly after?: ActivityPosition },
  ): Promise<readonly Activity[]>;
  /** @returns up to `limit` entries of all customers, fewer only at the end */
  ofAll(range: ActivityRange & { readonly after?: ActivityPosition }): Promise<readonly Activity[]>;
  /** @returns what the entries of a day did to switches, page by page in no particular order */
  turnsOf(date: UtcDate): AsyncIterable<readonly Turn[]>;
}

/** The fast path from a committed change to the log. It may lose messages: the pending activity remains. */
export interface ActivityQueue {
  /** @throws when the push failed or took longer than two seconds */
  push(activity: Activity): Promise<void>;
}

/** Reminds us of a change that Partner Center has not confirmed. It may lose messages: the record remains. */
export interface ChangeQueue {
  /** @throws when the push failed or took longer than two seconds */
  push(change: UnfinishedOf, afterSeconds: number): Promise<void>;
}

/** Who wants to be told. There are few of them. */
export interface Webhooks {
  list(): Promise<readonly Webhook[]>;
  find(id: WebhookId): Promise<Webhook | undefined>;
  /** @returns `exists` when there is one with that id, which stays as it is */
  add(webhook: Webhook): Promise<"added" | "exists">;
  /** One that is not there is no error. */
  remove(id: WebhookId): Promise<void>;
  /** @param since undefined: it is well again. A webhook that is not there stays away. */
  noteFailing(id: WebhookId, since: Date | undefined): Promise<void>;
}

/** The version that a write must still find. */
export interface StoredDelivery extends Delivery {
  readonly version: string;
}

/** What is still to be delivered, and what was given up. They are the truth, not the messages that point at them. */
export interface Deliveries {
  /** One that is due already stays as it is. */
  add(delivery: Delivery): Promise<void>;
  /** @returns one that is due now or later, not one that was given up */
  find(position: DeliveryPosition): Promise<StoredDelivery | undefined>;
  /** @returns those of a webhook that are due before this time, the oldest activity first */
  listDue(webhookId: WebhookId, before: Date, limit: number): Promise<readonly StoredDelivery[]>;
  /** @returns undefined when somebody else has written it meanwhile, or it is gone */
  replace(stored: StoredDelivery, by: Delivery): Promise<StoredDelivery | undefined>;
  /** It is delivered. */
  remove(position: DeliveryPosition): Promise<void>;
  /** Out of those that are due, into those that were given up, in one step. */
  giveUp(delivery: Delivery): Promise<void>;
  /** The oldest activity first. @param id only this one */
  listGivenUp(webhookId: WebhookId, limit: number, id?: DeliveryId): Promise<readonly Delivery[]>;
  /** Out of those that were given up, into those that are due, in one step. */
  revive(delivery: Delivery): Promise<void>;
  /** Due or given up. */
  removeAllOf(webhookId: WebhookId): Promise<void>;
}

/** The fast path from the log to the receiver. It may lose messages: the delivery remains. */
export interface DeliveryQueue {
  /** @throws when the push failed or took longer than two seconds */
  push(position: DeliveryPosition, afterSeconds: number): Promise<void>;
}

export interface Callbacks {
  /** Follows no redirect, and waits for ten seconds at most. Never throws, and never names the URL. */
  post(callbackUrl: string, message: SignedMessage): Promise<CallbackAnswer>;
}

/** One customer's tenant, looked into with one deadline and one budget of retries. Throws DirectoryFailure. */
export interface CustomerTenant {
  subscriptions(): Promise<readonly AzureSubscription[]>;
  subscription(subscriptionId: SubscriptionId): Promise<AzureSubscription>;
  /** Page by page, at or above the subscription. */
  roleAssignments(subscriptionId: SubscriptionId, stop: AbortSignal): AsyncIterable<readonly RoleAssignment[]>;
  /** Principals that could activate a role through Privileged Identity Management. */
  eligibleAssignments(subscriptionId: SubscriptionId): Promise<readonly RoleAssignment[]>;
}

export interface CustomerDirectory {
  /** @param deadline after it everything throws DirectoryFailure `DependencyUnavailable` */
  lookInto(customerId: CustomerId, deadline: AbortSignal): CustomerTenant;
}

/** What happened, for those who operate the service. Never fails, never waits, never holds a record. */
export interface Telemetry {
  event(
    name: string,
    properties: Readonly<Record<string, string>>,
    measurements?: Readonly<Record<string, number>>,
  ): void;
  /** Something went wrong that the caller is not told, because the answer was true without it. */
  warning(message: string, cause: unknown): void;
}

export interface Clock {
  now(): Date;
  pause(milliseconds: number): Promise<void>;
}

/** Tells which of our storage is down. */
export interface StorageProbe {
  /** @returns names of what did not answer, empty when all is well */
  whatIsDown(): Promise<readonly string[]>;
}

/** Ids that go along with a call of Partner Center, so that a repeated call is known for one. */
export interface PartnerCenterCall {
  /** `MS-RequestId`: the same for every retry of one call, another for the next call. */
  readonly requestId: string;
  /** `MS-CorrelationId`: one for everything that belongs to a change. */
  readonly correlationId: string;
}

/**
 * The self-serve policies in Partner Center. Methods throw PartnerCenterRefusal when waiting does not help, and a
 * Refusal `DependencyUnavailable` when there was no answer or none that can be relied on: then a write may
 * have been done, or not. Only what is read afterwards is true.
 */
export interface SelfServePolicies {
  /** @returns undefined when there is no policy, which means that nothing is permitted */
  read(customerId: CustomerId, call: PartnerCenterCall): Promise<SelfServePolicy | undefined>;
  /** @returns `exists` when there is one already (409/600041) */
  create(
    customerId: CustomerId,
    permissions: readonly PolicyPermission[],
    call: PartnerCenterCall,
  ): Promise<"done" | "exists">;
  /** @returns `stale` when the policy has changed since it was read (400/2055, 409, 412), `gone` when there is none */
  replace(
    customerId: CustomerId,
    policy: SelfServePolicy,
    permissions: readonly PolicyPermission[],
    call: PartnerCenterCall,
  ): Promise<"done" | "stale" | "gone">;
  remove(customerId: CustomerId, policy: SelfServePolicy, call: PartnerCenterCall): Promise<"done" | "stale" | "gone">;
}

/** What the partner sold, in Partner Center. Throws as SelfServePolicies does. */
export interface PartnerSales {
  /**
   * A customer that Partner Center does not know, or not as this partner's, has the relationship `none`: no error.
   *
   * @param deadline after it everything throws a Refusal `DependencyUnavailable`
   */
  salesTo(customerId: CustomerId, deadline: AbortSignal): Promise<Sales>;
}

/**
 * Knows what a customer's policy says, even where nobody may read the policy itself. Throws as SelfServePolicies does,
 * which is a witness, too.
 */
export interface PolicyWitness {
  /** @returns undefined when there is no policy, `unknown` when the witness has not heard of this customer's */
  read(customerId: CustomerId, call: PartnerCenterCall): Promise<PolicyContent | undefined | "unknown">;
  /** How long it may take until the witness knows of a move. Absent: it knows at once. */
  readonly lagSeconds?: number;
}

/** The partner's customers in Partner Center. Throws as SelfServePolicies does. */
export interface PartnerCustomers {
  /**
   * @param position where the page before said to go on; absent: the first page
   * @returns undefined when Partner Center does not know the position any more: begin again
   */
  list(position: string | undefined, call: PartnerCenterCall): Promise<Page<PartnerCustomer, string> | undefined>;
}

export interface KnownCustomer {
  readonly record: CustomerRecord;
  /** Absent: Partner Center has never listed this customer, and nobody has ever verified it. */
  readonly profile?: CustomerProfile;
}

/** Customers that were ever switched here, or that Partner Center listed. */
export interface KnownCustomers {
  /** In a fixed order that new ones do not disturb. A page may have fewer than wanted, or none, and still a next one. */
  list(
    query: CustomerFilter & { readonly after?: CustomerId; readonly limit: number },
  ): Promise<Page<KnownCustomer, CustomerId>>;
  /** Every customer with any switch On, page by page in no particular order. */
  allOn(): AsyncIterable<readonly CustomerRecord[]>;
  find(customerId: CustomerId): Promise<KnownCustomer>;
  /** Partner Center lists these customers now. One that it lists no more stays known; its `seenAt` tells. */
  saveSeen(customers: readonly PartnerCustomer[], at: Date): Promise<void>;
  /** Record and policy of these customers were compared now. */
  saveVerified(customerIds: readonly CustomerId[], at: Date): Promise<void>;
}

/** Partner Center's own activity log. Throws as SelfServePolicies does. */
export interface AuditTrail {
  /** @returns the last change of the customer's policy that was not made by this service, if it is known for sure */
  lastChangeOf(
    customerId: CustomerId,
    call: PartnerCenterCall,
  ): Promise<{ readonly at: Date; readonly userPrincipalName?: string } | undefined>;
}

/** How far a long work has come that goes on in the next run. */
export interface Progress {
  /** When this round began. */
  readonly startedAt: string;
  /** Where to go on; absent: at the beginning. */
  readonly position?: string;
  /** How many items the round has dealt with so far. */
  readonly done?: number;
  /** When the last whole round ended; before `startedAt`, or absent: this round is still open. */
  readonly endedAt?: string;
}

/** Asks Partner Center how it receives us. Throws as SelfServePolicies does. */
export interface PartnerCenterProbe {
  /** @returns undefined when Partner Center did not say */
  isMfaCompliant(): Promise<boolean | undefined>;
}

/** How Partner Center receives us. */
export interface PartnerCenterStanding {
  readonly checkedAt: string;
  /** Whether our account signed in with multi-factor authentication; null: Partner Center did not say. */
  readonly isMfaCompliant: boolean | null;
  /** It refuses us for a reason that waiting does not cure. Not asked again before `askAgainAt`. */
  readonly refusal?: { readonly reason: string; readonly message: string; readonly since: string };
  readonly askAgainAt: string;
}

/** A round of comparing records with policies. */
export interface DriftProgress extends Progress {
  /** How many runs in a row have got no further than this position, because the customers behind it fail. */
  readonly failedRuns?: number;
  /** Of the round so far. */
  readonly counts?: DriftCounts;
}

export interface DriftCounts {
  readonly customers: number;
  readonly verified: number;
  /** New ones only. */
  readonly findings: number;
  readonly requests: number;
}

/** What the service notes for its own next run. */
export interface Notes {
  readonly synchronisation: Progress;
  readonly drift: DriftProgress;
  /** Of the last run that could not get to all of them. */
  readonly unfinishedChanges: Progress;
  readonly partnerCenter: PartnerCenterStanding;
}

export interface Notebook {
  read<Name extends keyof Notes>(name: Name): Promise<Notes[Name] | undefined>;
  write<Name extends keyof Notes>(name: Name, note: Notes[Name]): Promise<void>;
}

/** A form that a file lies there in (RFC 9110 §8.4.1). */
export type ContentCoding = "br" | "gzip" | "identity";

/** A file of the operators' page. */
export interface UiFile {
  readonly mediaType: string;
  /** Of its contents. */
  readonly hash: string;
  /** Another content has another name. */
  readonly isImmutable: boolean;
  read(coding: ContentCoding): Promise<Uint8Array<ArrayBuffer>>;
}

/** What browsers may load of the operators' page. */
export interface UiFiles {
  /** @returns undefined when no file has this name; it may be any text */
  find(name: string): Promise<UiFile | undefined>;
}
