/** Inline constraints of route templates, `{id:guid}`, with the meaning ASP.NET Core gives them. */

type Constraint = (value: string) => boolean;

const guid = /^(?:[\da-f]{32}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|\{[\da-f-]{36}\}|\([\da-f-]{36}\))$/i;
const wholeNumber = /^[+-]?\d+$/;

const builders: Record<string, (args: string[], raw: string) => Constraint> = {
  int: () => (value) => wholeNumber.test(value) && Math.abs(Number(value)) <= 2 ** 31 - 1,
  long: () => (value) => wholeNumber.test(value) && Math.abs(Number(value)) <= 2 ** 63,
  bool: () => (value) => /^(true|false)$/i.test(value),
  guid: () => (value) => guid.test(value),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  length: ([least, most]) => lengthBetween(Number(least), Number(most ?? least)),
  minlength: ([least]) => lengthBetween(Number(least), Number.POSITIVE_INFINITY),
  maxlength: ([most]) => lengthBetween(0, Number(most)),
  min: ([least]) => numberBetween(Number(least), Number.POSITIVE_INFINITY),
  max: ([most]) => numberBetween(Number.NEGATIVE_INFINITY, Number(most)),
  range: ([least, most]) => numberBetween(Number(least), Number(most)),
  regex: (_, raw) => {
    const pattern = new RegExp(raw, "i");
    return (value) => pattern.test(value);
  },
};

export function parseConstraint(text: string): Constraint {
  const [, name = text, raw = ""] = /^(\w+)\((.*)\)$/s.exec(text) ?? [];
  const build = Object.hasOwn(builders, name) ? builders[name] : undefined;
  if (!build) throw new Error(`The route constraint '${text}' is not known to this host.`);
  return build(raw === "" ? [] : raw.split(","), raw);
}

function lengthBetween(least: number, most: number): Constraint {
  return (value) => value.length >= least && value.length <= most;
}

function numberBetween(least: number, most: number): Constraint {
  return (value) => wholeNumber.test(value) && Number(value) >= least && Number(value) <= most;
}
