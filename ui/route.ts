/** Where in the page the reader is: in the hash of the address, so that Back, bookmarks and links work. */

export type Route =
  | { readonly screen: "customers"; readonly query: URLSearchParams }
  | { readonly screen: "customer"; readonly customerId: string }
  | { readonly screen: "activities"; readonly query: URLSearchParams }
  | { readonly screen: "guidance" };

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @returns the screen of an address; the customers, for one that leads nowhere */
export function routeOf(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [screen, id = ""] = path.split("/");
  if (screen === "customers" && guid.test(id)) return { screen: "customer", customerId: id.toLowerCase() };
  if (screen === "activities") return { screen, query: new URLSearchParams(search) };
  if (screen === "guidance") return { screen };
  return { screen: "customers", query: new URLSearchParams(search) };
}

/** @returns the address of the customers, as they are looked for */
export function customersAddress(query: Readonly<Record<string, string>> = {}): string {
  return withQuery("#/customers", query);
}

export function customerAddress(customerId: string): string {
  return `#/customers/${customerId}`;
}

export function activitiesAddress(query: Readonly<Record<string, string>> = {}): string {
  return withQuery("#/activities", query);
}

export const guidanceAddress = "#/guidance";

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "")).toString();
  return search === "" ? path : `${path}?${search}`;
}
