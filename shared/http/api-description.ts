/** What the table of routes does not say about a function, for documents: in words, and as schemas. */

import type { RefusalCode } from "../domain/refusal.ts";
import type { ProblemCode } from "./problem.ts";
import type { Schema } from "./schema.ts";

export interface RouteDescription {
  /** The group that it stands in. */
  readonly tag: string;
  /** A few words. */
  readonly summary: string;
  readonly description: string;
  /** Headers of the request that it looks at, beside those that every function does. */
  readonly headers?: readonly string[];
  readonly body?: Schema;
  /** By status; refusals come on top. */
  readonly answers: Readonly<Record<number, AnswerDescription>>;
  /** Beside those that its access, its query and its body bring with them. */
  readonly refusals?: readonly RefusalCode[];
  readonly connector?: ConnectorOperation;
}

/** What Power Platform and Logic Apps are told beside: only the Swagger 2.0 document says it. */
export interface ConnectorOperation {
  /** Absent: shown like any other. `internal`: not offered to people. */
  readonly visibility?: "important" | "advanced" | "internal";
  /** Absent: an action. */
  readonly trigger?: Trigger;
}

/** https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions#x-ms-trigger */
export type Trigger = PollingTrigger | WebhookTrigger;

interface AnyTrigger {
  /** Whether one answer or notification starts one run, or one for each of its items. */
  readonly starts: "single" | "batch";
  /** Tells people how to see it work. */
  readonly hint: string;
}

/** Asked again and again, with what the answer before it said in `Location`. */
export interface PollingTrigger extends AnyTrigger {
  readonly kind: "polling";
  /** The parameter in the query that remembers how far the caller has come; nobody shall fill it in. */
  readonly state: string;
}

/** Told by its `Location` where to delete the subscription. */
export interface WebhookTrigger extends AnyTrigger {
  readonly kind: "webhook";
  /** The field of the body that takes the address to be called; nobody shall fill it in. */
  readonly callbackField: string;
  /** What is sent there. */
  readonly notification: { readonly description: string; readonly schema: Schema };
}

export interface AnswerDescription {
  readonly description: string;
  /** Absent: there is no body. */
  readonly schema?: Schema;
  /** JSON when absent. */
  readonly mediaType?: "text/html";
  /** Headers that are always there, beside those of every answer. */
  readonly headers?: readonly string[];
  /** Headers that are there when the request or the circumstances ask for them. */
  readonly sometimes?: readonly string[];
}

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
  readonly license: { readonly name: string; readonly url: string };
  readonly tags: Readonly<Record<string, string>>;
  /** By the name of the function. */
  readonly functions: Readonly<Record<string, RouteDescription>>;
  /** Of all requests, by the place where they stand and the name that they have there. */
  readonly parameters: Readonly<Record<"path" | "query" | "header", Readonly<Record<string, Schema>>>>;
  readonly answerHeaders: Readonly<Record<string, Schema>>;
  /** When each refusal is given. */
  readonly refusals: Readonly<Record<ProblemCode, string>>;
  /** The body of every refusal, but for those that are said to have another. */
  readonly error: Schema;
  readonly connector: ConnectorDescription;
}

/** What Power Platform and Logic Apps are told of parameters and members, wherever they stand: by their names. */
export interface ConnectorDescription {
  /** What to call those whose own name, split into words, does not say it. */
  readonly titles: Readonly<Record<string, string>>;
  /** Parameters that people are not asked for. */
  readonly hidden: readonly string[];
  /** Parameters for which people choose from what an operation answers. */
  readonly choices: Readonly<Record<string, Choice>>;
}

/** https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions#x-ms-dynamic-values */
export interface Choice {
  readonly operationId: string;
  readonly parameters?: Readonly<Record<string, string | number>>;
  /** Where the items are in its answer. */
  readonly collection: string;
  /** The member of an item that becomes the parameter. */
  readonly value: string;
  /** The member of an item that people read. */
  readonly title: string;
}
