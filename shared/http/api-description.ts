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
}

export interface AnswerDescription {
  readonly description: string;
  /** Absent: there is no body. */
  readonly schema?: Schema;
  /** Headers that are always there, beside those of every answer. */
  readonly headers?: readonly string[];
  /** Headers that are there when the request or the circumstances ask for them. */
  readonly sometimes?: readonly string[];
}

export interface ApiDescription {
  readonly title: string;
  readonly description: string;
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
}
