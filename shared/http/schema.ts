/**
 * What JSON looks like, said once and for no format in particular: only what OpenAPI 3.0 and Swagger 2.0 can both say.
 *
 * An object is described along its TypeScript type, so that neither can gain or lose a member without the other.
 */

export interface Schema {
  /** Written once under this name, and referred to wherever else it stands. */
  readonly name?: string;
  readonly type: "string" | "integer" | "boolean" | "object" | "array";
  readonly description?: string;
  readonly format?: "uuid" | "date-time" | "uri";
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: string | number;
  /** For the commands of the page for people; parameters of Swagger 2.0 have none. */
  readonly example?: string;
  readonly nullable?: true;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** What is not named here is refused. Answers stay open: they may get more members. */
  readonly isClosed?: true;
}

type OptionalMember<Type> = { [Key in keyof Type]-?: object extends Pick<Type, Key> ? Key : never }[keyof Type];

type Members<Keys extends PropertyKey> = { readonly [Key in Keys]: Schema };

/** Said of every object: what is always there, and what may be there. */
export type ObjectMembers<Type> = [OptionalMember<Type>] extends [never]
  ? [required: Members<keyof Type>]
  : [required: Members<Exclude<keyof Type, OptionalMember<Type>>>, optional: Members<OptionalMember<Type>>];

export function objectOf<Type>(name: string, ...[required, optional]: ObjectMembers<Type>): Schema {
  const always = Object.keys(required);
  return {
    name,
    type: "object",
    properties: { ...required, ...optional },
    ...(always.length === 0 ? {} : { required: always }),
  };
}

export function text(
  description: string,
  more: Pick<Schema, "maxLength" | "pattern" | "format" | "example"> = {},
): Schema {
  return { type: "string", description, ...more };
}

export function guid(description: string): Schema {
  return text(description, { format: "uuid" });
}

export function time(description: string): Schema {
  return text(description, { format: "date-time" });
}

export function oneOf(values: readonly string[], description: string): Schema {
  return { type: "string", description, enum: values };
}

export function truth(description: string): Schema {
  return { type: "boolean", description };
}

export function count(description: string, more: Pick<Schema, "minimum" | "maximum" | "default"> = {}): Schema {
  return { type: "integer", description, minimum: 0, ...more };
}

export function listOf(items: Schema, description: string): Schema {
  return { type: "array", description, items };
}

/** Written in full where it stands: a reference cannot say that it may be null. */
export function orNull({ name: _, ...schema }: Schema): Schema {
  return { ...schema, nullable: true };
}

/**
 * A request's body: what else it holds is refused.
 *
 * @param known fields that may be there, of which the schemas tell
 */
export function bodyOf<Field extends string>(
  name: string,
  known: readonly Field[],
  schemas: Readonly<Record<Field, Schema>>,
  required: readonly Field[],
): Schema {
  const properties = Object.fromEntries(known.map((field) => [field, schemas[field]] as const));
  return { name, type: "object", properties, ...(required.length === 0 ? {} : { required }), isClosed: true };
}
