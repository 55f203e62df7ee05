/**
 * Rows of the table that registers the functions, put together with what is said of them: what every document about
 * the API needs to know, in the form of none of them.
 */

import { type AgentRole, agentRoles } from "../domain/agent-role.ts";
import type { ApiDescription, RouteDescription } from "./api-description.ts";
import { type ProblemCode, statusOf } from "./problem.ts";
import type { Route } from "./route.ts";
import type { Schema } from "./schema.ts";

/** Looked at by every function. */
export const everyRequest = ["x-ms-client-request-id", "MS-CorrelationId", "traceparent"] as const;
export const everyAnswer = ["x-ms-request-id"] as const;
/** Answered as they were sent, if they were. */
export const everyEcho = ["x-ms-client-request-id", "MS-CorrelationId", "MS-RequestId"] as const;

export interface DescribedRoute extends RouteDescription {
  readonly route: Route;
  /** Below the base path, such as `/customers/{customerId}`. */
  readonly path: string;
  readonly whoMay: string;
  readonly parameters: {
    readonly path: readonly string[];
    readonly query: readonly string[];
    /** Beside those that every function looks at. */
    readonly header: readonly string[];
  };
  readonly refused: readonly RefusedAs[];
}

/** One answer for each status that has no other meaning on its route. */
export interface RefusedAs {
  /** The same for the same codes. */
  readonly name: string;
  readonly status: number;
  readonly codes: readonly ProblemCode[];
}

/** @throws Error when a route has something that nobody has described */
export function describeRoutes(routes: readonly Route[], api: ApiDescription): DescribedRoute[] {
  return routes.map((route) => {
    const described = named(api.functions, route.name);
    return {
      ...described,
      route,
      path: `/${route.route ?? route.name}`,
      whoMay: whoMay[route.access],
      parameters: {
        path: namesIn(route.route),
        query: [...(route.query ?? []), "api-version"],
        header: described.headers ?? [],
      },
      refused: refusalsOf(route, described),
    };
  });
}

const admin: AgentRole = "AdminAgent";
const whoMay = {
  read: `For callers with one of the roles ${agentRoles.join(", ")}.`,
  write: `For callers with the role ${admin}.`,
  anonymous: "For anybody.",
} as const satisfies Record<Route["access"], string>;

function refusalsOf(route: Route, described: RouteDescription): RefusedAs[] {
  const codes = codesOf(route, described).filter((code) => !(statusOf[code] in described.answers));
  return [...Map.groupBy(codes, (code) => statusOf[code])].map(([status, together]) => ({
    name: together.join("Or"),
    status,
    codes: together,
  }));
}

function codesOf({ access }: Route, { body, refusals = [] }: RouteDescription): ProblemCode[] {
  return [
    ...(["InvalidRequest", "UnsupportedApiVersionValue"] as const),
    ...(access === "anonymous" ? [] : (["Unauthenticated", "AgentRoleRequired", "ScopeRequired"] as const)),
    ...(access === "write" ? (["AdminAgentRequired"] as const) : []),
    ...refusals,
    ...(body === undefined ? [] : (["RequestTooLarge"] as const)),
    "InternalError",
    ...(access === "anonymous" ? [] : (["DependencyUnavailable"] as const)),
  ];
}

/** Headers of a refusal, beside those of every answer. */
export function refusalHeaders(status: number): readonly string[] {
  if (status === statusOf.Unauthenticated) return ["WWW-Authenticate"];
  return status === statusOf.DependencyUnavailable ? ["Retry-After"] : [];
}

/** When each of these codes is answered. */
export function wordsOf(codes: readonly ProblemCode[], { refusals }: ApiDescription): string {
  return codes.map((code) => `${code}: ${refusals[code]}`).join(" ");
}

export function enumOf(codes: readonly string[]): Schema {
  return { type: "string", enum: codes };
}

/** Placeholders of a route's template. */
function namesIn(template = ""): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

/** @throws Error when nobody has described what has this name */
export function named<Described>(descriptions: Readonly<Record<string, Described>>, name: string): Described {
  const found = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
  if (found === undefined) throw new Error(`Nobody has described ${name}.`);
  return found;
}
