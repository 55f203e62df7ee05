/** What differs between reports about the real Partner Center, or between tests. Mutable at any time. */

export interface PartnerCenterBehaviour {
  /** 401/900421 for a user's token without a second factor; enforced in production since June 2026. */
  mfaEnforced: boolean;
  /** How an update with an etag that has changed is refused: documented in general is 400/2055. */
  staleEtag: "400" | "409" | "412";
  /** `true`: writes are answered with success and change nothing. */
  writesDoNothing: boolean;
  /** How long readers still see what was there before a write. */
  readLagMilliseconds: number;
  /**
   * When a write is taken for the repetition of an earlier one and answered as it was: same MS-RequestId, method, path and
   * body; the same without looking at the body; or never.
   */
  replay: "sameCall" | "sameId" | "off";
  /** What a 429 asks for. */
  retryAfterSeconds: number;
  /** More calls than this within 60 s are answered 429; refused ones count as well. Undefined: no limit. */
  callsPerMinute: number | undefined;
  /** Items of a page when the query has no `size`, and the most there can be. */
  pageSize: number;
  /** Documents show links both as `/customers?…` and as `/v1/customers?…`. */
  versionInLinks: boolean;
  /** The longest span of one audit query; the service's swagger says 30 days. */
  auditSpanDays: number;
  /** How long an audit record takes to appear. */
  auditLagMilliseconds: number;
  /** Answers begin with U+FEFF, as older clients of the real service had to expect (from memory, not documented). */
  byteOrderMark: boolean;
}

export function usualBehaviour(): PartnerCenterBehaviour {
  return {
    mfaEnforced: true,
    staleEtag: "400",
    writesDoNothing: false,
    readLagMilliseconds: 0,
    replay: "sameCall",
    retryAfterSeconds: 57,
    callsPerMinute: undefined,
    pageSize: 500,
    versionInLinks: false,
    auditSpanDays: 30,
    auditLagMilliseconds: 0,
    byteOrderMark: false,
  };
}
