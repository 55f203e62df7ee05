/**
 * The partner's customers in Partner Center, page by page. An odd answer is "unavailable", never a shorter list.
 * https://learn.microsoft.com/partner-center/developer/get-a-list-of-customers
 */

import { parseGuid } from "../domain/identifiers.ts";
import type { PartnerCustomer } from "../domain/partner-customer.ts";
import type { PartnerCustomers } from "../ports.ts";
import { type Answer, createAsk, isObject, noFrom, odd, type PartnerCenterOptions } from "./partner-center-calls.ts";
import { continuationHeader, continuationToken, pageOf } from "./partner-center-paging.ts";

/** As in the samples of Microsoft; if Partner Center gives fewer at once there are more pages. */
const pageSize = 500;
const firstPath = `/v1/customers?size=${pageSize}`;

export function createPartnerCenterCustomers(options: PartnerCenterOptions): PartnerCustomers {
  const ask = createAsk(options);

  return {
    async list(position, call) {
      const answer = await ask(pageOf(firstPath, position), call);
      if (position !== undefined && answer.status === 400) return undefined;
      if (answer.status !== 200) throw noFrom(answer);
      const { items, links } = answer.body ?? {};
      if (!Array.isArray(items)) throw odd(answer, "is no collection");
      const customers = items.map((item) => customerOf(item, answer));
      const next = nextOf(links, answer, position);
      return next === undefined ? { items: customers } : { items: customers, next };
    },
  };
}

function customerOf(item: unknown, answer: Answer): PartnerCustomer {
  const { id, companyProfile, relationshipToPartner } = isObject(item) ? item : {};
  const { companyName, domain } = isObject(companyProfile) ? companyProfile : {};
  const customerId = parseGuid<"customer">(id);
  if (customerId === undefined) throw odd(answer, "has a customer without its id");
  if (typeof companyName !== "string" || typeof domain !== "string") {
    throw odd(answer, "has a customer without name or domain");
  }
  if (typeof relationshipToPartner !== "string" || !/^\w{1,40}$/.test(relationshipToPartner)) {
    throw odd(answer, "has a customer without relationship");
  }
  return { customerId, name: asLine(companyName), domain: asLine(domain), relationship: relationshipToPartner };
}

/** Customers name themselves: one line without control characters, and not longer than names are. */
function asLine(text: string): string {
  const words = text.toWellFormed().replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ");
  return [...words.trim()].slice(0, 256).join("");
}

/** `links.next` names the header of the next request, and with it the token. */
function nextOf(links: unknown, answer: Answer, position: string | undefined): string | undefined {
  const { next } = isObject(links) ? links : {};
  if (next === undefined || next === null) return undefined;
  const headers = isObject(next) && Array.isArray(next.headers) ? next.headers.filter(isObject) : [];
  const token = headers.find(({ key }) => String(key).toLowerCase() === continuationHeader.toLowerCase())?.value;
  return continuationToken(token, answer, position);
}
