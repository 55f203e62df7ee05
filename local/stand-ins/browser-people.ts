/** Who may sign in to the page at the stand-in: one person for each role, and one with none. */

import { guidOf } from "./guid.ts";

export interface BrowserPerson {
  readonly name: string;
  /** `oid` of the tokens: the same as in tokens that `npm run token` makes for that name. */
  readonly objectId: string;
  readonly userPrincipalName: string;
  /** Roles on the API, as in the tokens issued from now on. Mutable: a test takes one away. */
  roles: readonly string[];
  /** For the page that asks who you are. */
  readonly shownRole: string;
}

export function makeBrowserPeople(): BrowserPerson[] {
  return [
    person("Ada", "Admin Agent", ["AdminAgent"]),
    person("Bob", "Sales Agent", ["SalesAgent"]),
    person("Carol", "Helpdesk Agent", ["HelpdeskAgent"]),
    // In Entra somebody with "Default Access" only: may sign in, and the token has no roles.
    person("Dan", "no role", []),
  ];
}

/** The person that a `login_hint` means: by the user name, or by what stands before its @. */
export function personCalled(hint: string | undefined, people: readonly BrowserPerson[]): BrowserPerson | undefined {
  const wanted = hint?.trim().toLowerCase();
  return people.find(({ userPrincipalName: upn }) => upn === wanted || upn.split("@")[0] === wanted);
}

function person(name: string, shownRole: string, roles: readonly string[]): BrowserPerson {
  const userPrincipalName = `${name.toLowerCase()}@partner.example`;
  return { name, objectId: guidOf(`user:${name}`), userPrincipalName, roles, shownRole };
}
