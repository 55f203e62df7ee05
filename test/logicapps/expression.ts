/**
 * Reads the expressions of workflow definitions: a text that begins with @ is one, one with @{…} holds some, @@ is an @.
 *
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language#expressions
 */

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  /** `isSafe`: with `?`, null of null. */
  | { readonly kind: "member"; readonly of: Expression; readonly name: Expression; readonly isSafe: boolean };

/** What a text is made of: itself, or expressions with texts between them. */
export type Template =
  | { readonly kind: "whole"; readonly expression: Expression }
  | { readonly kind: "parts"; readonly parts: readonly (string | Expression)[] };

/** @throws Error that says where the text stops being one */
export function parseTemplate(text: string): Template {
  if (text.startsWith("@") && !text.startsWith("@{") && !text.startsWith("@@")) {
    const { expression, end } = parseAt(text, 1);
    if (end !== text.length) throw new Error(`"${text.slice(end)}" stands behind the expression.`);
    return { kind: "whole", expression };
  }
  const parts: (string | Expression)[] = [];
  let plain = "";
  for (let at = 0; at < text.length; ) {
    if (text.startsWith("@@", at)) {
      plain += "@";
      at += 2;
    } else if (text.startsWith("@{", at)) {
      const { expression, end } = parseAt(text, at + 2);
      if (text[end] !== "}") throw new Error(`"}" is missing at "${text.slice(end)}".`);
      if (plain !== "") parts.push(plain);
      parts.push(expression);
      plain = "";
      at = end + 1;
    } else {
      plain += text[at];
      at++;
    }
  }
  if (plain !== "") parts.push(plain);
  return { kind: "parts", parts };
}

export function expressionsIn(template: Template): Expression[] {
  return template.kind === "whole"
    ? [template.expression]
    : template.parts.filter((part): part is Expression => typeof part !== "string");
}

/** Every call in it, itself included. */
export function callsIn(expression: Expression): Extract<Expression, { kind: "call" }>[] {
  switch (expression.kind) {
    case "literal":
      return [];
    case "member":
      return [...callsIn(expression.of), ...callsIn(expression.name)];
    case "call":
      return [expression, ...expression.args.flatMap(callsIn)];
  }
}

function parseAt(text: string, start: number): { expression: Expression; end: number } {
  let at = start;
  const expression = read();
  return { expression, end: at };

  function read(): Expression {
    blanks();
    let left = primary();
    for (;;) {
      const [accessor, question, opening] = /^(\??)(\[|\.)/.exec(text.slice(at)) ?? [];
      if (accessor === undefined) break;
      at += accessor.length;
      const isSafe = question === "?";
      if (opening === ".") left = { kind: "member", of: left, name: { kind: "literal", value: word() }, isSafe };
      else {
        const name = read();
        expect("]");
        left = { kind: "member", of: left, name, isSafe };
      }
    }
    blanks();
    return left;
  }

  function primary(): Expression {
    const quoted = /^'((?:[^']|'')*)'/.exec(text.slice(at));
    if (quoted !== null) {
      at += quoted[0].length;
      return { kind: "literal", value: (quoted[1] ?? "").replaceAll("''", "'") };
    }
    const [number] = /^-?\d+(\.\d+)?/.exec(text.slice(at)) ?? [];
    if (number !== undefined) {
      at += number.length;
      return { kind: "literal", value: Number(number) };
    }
    const name = word();
    if (text[at] !== "(") {
      const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };
      const value = constants[name];
      if (value === undefined) throw new Error(`"${name}" is no function call.`);
      return { kind: "literal", value };
    }
    at++;
    const args: Expression[] = [];
    blanks();
    while (text[at] !== ")") {
      if (args.length > 0) expect(",");
      args.push(read());
    }
    at++;
    return { kind: "call", name, args };
  }

  function word(): string {
    const [found] = /^[A-Za-z_$]\w*/.exec(text.slice(at)) ?? [];
    if (found === undefined) throw new Error(`There is no expression at "${text.slice(at)}".`);
    at += found.length;
    return found;
  }

  function expect(sign: string): void {
    blanks();
    if (text[at] !== sign) throw new Error(`"${sign}" is missing at "${text.slice(at)}".`);
    at++;
  }

  function blanks(): void {
    while (text[at] === " " || text[at] === "\n") at++;
  }
}
