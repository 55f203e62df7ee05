/** The columns of the matrix: what can become of a call, as each of the services would do it. */

import type { Fault } from "../../../local/stand-ins/faults.ts";
import type { Fate } from "../../harness/storage-proxy.ts";

export const faultNames = [
  "slow (1.5 s)",
  "hang",
  "reset",
  "401",
  "403",
  "404",
  "409",
  "412",
  "429, Retry-After",
  "429",
  "500",
  "503",
  "200 HTML",
  "200 cut",
  "200 other JSON",
] as const;
export type FaultName = (typeof faultNames)[number];

/** A service that is called over HTTPS. */
export type Service = "keys" | "customerToken" | "partnerToken" | "arm" | "partnerCenter" | "vault" | "receiver";

const slowMilliseconds = 1_500;
const retryAfter = { "Retry-After": "2" };
/** Stands over the stand-in's own header, and says nothing. */
const noRetryAfter = { "Retry-After": "" };
/** A gateway in front of the service, that says nothing but a number. */
const wordless: Fault = { kind: "status", status: 0, body: "" };

const wrongSecret = {
  error: "invalid_client",
  error_description: "AADSTS7000215: Invalid client secret provided.",
  error_codes: [7000215],
};
/** Each service's own words where it has some for the status; without an entry they are the stand-in's usual ones. */
const ownWords: Readonly<Record<Service, Readonly<Partial<Record<FaultName, Fault>>>>> = {
  keys: {},
  customerToken: {
    "401": { kind: "status", status: 401, body: wrongSecret },
    "403": { ...wordless, status: 403 },
    "404": { ...wordless, status: 404 },
    "409": { ...wordless, status: 409 },
    "412": { ...wordless, status: 412 },
  },
  partnerToken: {
    "401": { kind: "status", status: 401, body: wrongSecret },
    "403": { ...wordless, status: 403 },
    "404": { ...wordless, status: 404 },
    "409": { ...wordless, status: 409 },
    "412": { ...wordless, status: 412 },
  },
  arm: {
    "401": {
      kind: "status",
      status: 401,
      body: { error: { code: "InvalidAuthenticationToken", message: "The access token is invalid." } },
    },
  },
  partnerCenter: {
    "429": {
      kind: "status",
      status: 429,
      headers: noRetryAfter,
      body: { statusCode: 429, message: "Rate limit is exceeded." },
    },
    "429, Retry-After": {
      kind: "status",
      status: 429,
      headers: retryAfter,
      body: { statusCode: 429, message: "Rate limit is exceeded. Try again in 2 seconds." },
    },
  },
  vault: {},
  receiver: {},
};

/** JSON that is well-formed and belongs to somebody else. */
const otherJson: Readonly<Record<Service, object>> = {
  keys: { value: [] },
  customerToken: { value: [] },
  partnerToken: { value: [] },
  arm: { totalCount: 0, items: [] },
  partnerCenter: { value: [] },
  vault: { totalCount: 0, items: [] },
  receiver: { value: [] },
};

/** What the service's stand-in is to do. Of a write, "cut" and "other JSON" come after it was done, the rest before. */
export function faultOf(name: FaultName, service: Service): Fault {
  const own = ownWords[service][name];
  if (own !== undefined) return own;
  switch (name) {
    case "slow (1.5 s)":
      return { kind: "slow", ms: slowMilliseconds };
    case "hang":
    case "reset":
      return { kind: name };
    case "429, Retry-After":
      return { kind: "status", status: 429, headers: retryAfter };
    case "200 HTML":
      return { kind: "html", status: 200 };
    case "200 cut":
      return { kind: "cutJson" };
    case "200 other JSON":
      return { kind: "json", body: otherJson[service] };
    default:
      return { kind: "status", status: Number(name) };
  }
}

const json = { "Content-Type": "application/json" };
const storageError = (status: number, code: string): Fate => ({
  status,
  headers: { ...json, "x-ms-error-code": code },
  body: JSON.stringify({ "odata.error": { code, message: { lang: "en-US", value: `${code}.` } } }),
});

/**
 * The same for a call of storage. Its own 404, "there is no such row", is an answer and no fault: this one is a gateway's.
 * Of a transaction, 409 and 412 say that somebody else came first.
 */
export function fateOf(name: FaultName, isTransaction = false): Fate {
  switch (name) {
    case "slow (1.5 s)":
      return { delay: slowMilliseconds };
    case "hang":
      return "hang";
    case "reset":
      return "loseRequest";
    case "401":
      return storageError(401, "NoAuthenticationInformation");
    case "403":
      return storageError(403, "AuthorizationFailure");
    case "404":
      return { status: 404 };
    case "409":
      return storageError(409, isTransaction ? "EntityAlreadyExists" : "AccountBeingCreated");
    case "412":
      return storageError(412, isTransaction ? "UpdateConditionNotSatisfied" : "ConditionNotMet");
    case "429, Retry-After":
      return { status: 429, headers: retryAfter };
    case "429":
      return { status: 429 };
    case "500":
      return storageError(500, "InternalError");
    case "503":
      return storageError(503, "ServerBusy");
    case "200 HTML":
      return { status: 200, headers: { "Content-Type": "text/html" }, body: "<html><body>Sign in</body></html>" };
    case "200 cut":
      return "cut";
    case "200 other JSON":
      return { status: 200, headers: json, body: '{"totalCount":0,"items":[]}' };
  }
}
