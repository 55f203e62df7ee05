/**
 * Builds elements. Text is always a text node: what customers or other people wrote is never read as markup. There is no
 * other way here from a string to the page.
 */

export type Child = Node | string | number | false | undefined;

/** A function listens to the event of its name; `true` is an attribute without a value, `false` and undefined are none. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes?: Attributes,
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag];
export function element(tag: string, attributes?: Attributes, ...children: readonly Child[]): HTMLElement;
export function element(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for parts of a picture. */
export function shape(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** @returns the children that are there, as the methods of elements want them */
export function present(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((child) =>
    child === undefined || child === false ? [] : [typeof child === "number" ? String(child) : child],
  );
}

function furnish<Kind extends Element>(made: Kind, attributes: Attributes, children: readonly Child[]): Kind {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== false) made.setAttribute(name, String(value));
  }
  made.append(...present(children));
  return made;
}
