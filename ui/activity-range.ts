/** Which part of the log is wanted. */

export interface ActivityRange {
  readonly customerId?: string;
  /** RFC 3339, from ≤ at < to. */
  readonly from?: string;
  readonly to?: string;
}

/** @returns where the API has its first page */
export function linkOf({ customerId, from, to }: ActivityRange, size: number): string {
  const query = new URLSearchParams({ maxpagesize: String(size) });
  for (const [name, value] of Object.entries({ customerId, from, to })) if (value !== undefined) query.set(name, value);
  return `/api/activities?${query}`;
}
