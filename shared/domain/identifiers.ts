/**
 * Ids that reach URLs, table keys and logs. They are parsed once, at the edge; a value of one of these
 * types is always a lower-case GUID, so it can hold no slash, quote or wildcard (facts: ARM does not
 * encode the scope of a role-assignment query, table keys and filters are built from plain text).
 */

declare const kind: unique symbol;
type Id<Kind extends string> = string & { readonly [kind]: Kind };

export type Guid = Id<string>;
/** The customer's Entra tenant id. Partner Center calls it "Microsoft ID". */
export type CustomerId = Id<"customer">;
/** An Azure subscription as Azure Resource Manager knows it, not a Partner Center order. */
export type SubscriptionId = Id<"subscription">;
/** One change of a switch: the caller's repeatability id, or one that we made. Unique per customer. */
export type ChangeId = Id<"change">;

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * @param value anything, usually text from a route, a body or a header
 * @returns the GUID in lower case, or undefined when the value is anything but a plain GUID
 */
export function parseGuid<Kind extends string>(value: unknown): Id<Kind> | undefined {
  return typeof value === "string" && guid.test(value) ? (value.toLowerCase() as Id<Kind>) : undefined;
}
