/** Forty customers as a partner in Japan might have them, with what was decided about them over the last three months. */

import { guidOf } from "../../local/stand-ins/guid.ts";
import { daysAgo, type FleetMember, type Turned } from "./page-fleet.ts";
import type { Product as Running } from "./product.ts";

/** Fictitious, as Microsoft's own examples are. */
const others = [
  ["Alpine Ski House", "alpineskihouse"],
  ["Bellows College", "bellowscollege"],
  ["Best For You Organics", "bestforyouorganics"],
  ["Blue Yonder Airlines", "blueyonderairlines"],
  ["City Power & Light", "citypowerandlight"],
  ["Coho Vineyard", "cohovineyard"],
  ["Consolidated Messenger", "consolidatedmessenger"],
  ["Fourth Coffee", "fourthcoffee"],
  ["Graphic Design Institute", "graphicdesigninstitute"],
  ["Humongous Insurance", "humongousinsurance"],
  ["Lamna Healthcare", "lamnahealthcare"],
  ["Liberty's Delightful Sinful Bakery & Cafe", "libertysbakery"],
  ["Lucerne Publishing", "lucernepublishing"],
  ["Margie's Travel", "margiestravel"],
  ["Munson's Pickles and Preserves Farm", "munsonspickles"],
  ["Nod Publishers", "nodpublishers"],
  ["Southridge Video", "southridgevideo"],
  ["The Phone Company", "thephonecompany"],
  ["Trey Research", "treyresearch"],
  ["VanArsdel", "vanarsdel"],
  ["Wide World Importers", "wideworldimporters"],
  ["青空商事株式会社", "aozora-shoji"],
  ["北海道リゾート開発", "hokkaido-resort"],
  ["株式会社さくらデザイン", "sakura-design"],
  ["みなと物流", "minato-logistics"],
  ["富士見製作所", "fujimi-works"],
  ["東雲大学", "shinonome-univ"],
  ["ひまわり薬局グループ", "himawari-pharmacy"],
  ["京町屋ホテルズ", "kyomachiya-hotels"],
  ["瀬戸内フーズ", "setouchi-foods"],
] as const;

const people = ["Ada", "Kenji", "Mina"];
const reasons = ["Ticket 4711", "チケット 5120", "Asked for by mail", undefined];

/** @returns the demo customers, whom the stand-ins know, and thirty more */
export function demoFleet(product: Running): FleetMember[] {
  const known = product.customers.map(({ customer: { name, tenantId } }) => ({
    ...{ customerId: tenantId, name, domain: `${name.toLowerCase().replaceAll(/[^a-z]/g, "")}.onmicrosoft.com` },
  }));
  const more = others.map(([name, domain]) => ({
    ...{ customerId: guidOf(`fleet ${name}`), name, domain: `${domain}.onmicrosoft.com` },
  }));
  return [...known, ...more].map((member, index) => ({
    ...member,
    turned: turnedOf(member.name, index),
    findings: findingsOf(member.name),
    verifiedMinutesAgo: 7 + ((index * 37) % 50),
  }));
}

function turnedOf(name: string, index: number): Turned[] {
  const by = people[index % people.length] ?? "Ada";
  const reason = reasons[index % reasons.length];
  const why = reason === undefined ? {} : { reason };
  if (name === "Contoso") {
    return [
      { at: daysAgo(81), product: "azureReservations", state: "On", by, reason: "Ticket 4711" },
      {
        at: daysAgo(60),
        product: "azureReservations",
        state: "Off",
        by: "Kenji",
        reason: "Budget for the year is used up",
      },
      { at: daysAgo(33), product: "azureSavingsPlans", state: "On", by: "Mina", reason: "Asked for by mail" },
      { at: daysAgo(12), product: "azureReservations", state: "On", by, reason: "チケット 5120" },
    ];
  }
  if (name === "Adatum") {
    return [
      { at: daysAgo(70), product: "azureReservations", state: "On", by: "Kenji", reason: "Ticket 4720" },
      { at: daysAgo(45), product: "azureReservations", state: "Off", by: "Ada" },
    ];
  }
  if (name === "Fabrikam") return [{ at: daysAgo(28), product: "azureSavingsPlans", state: "On", by, ...why }];
  if (index < 10 || index % 3 === 0) return [];
  const days = 88 - ((index * 53) % 86);
  const one = index % 2 === 0 ? "azureReservations" : "azureSavingsPlans";
  const on: Turned = { at: daysAgo(days), product: one, state: "On", by, ...why };
  if (index % 7 === 1 && days > 20) {
    return [on, { at: daysAgo(days - 18), product: one, state: "Off", by: people[(index + 1) % people.length] ?? by }];
  }
  return [on];
}

function findingsOf(name: string): FleetMember["findings"] & {} {
  if (name === "Fabrikam") return [{ code: "TurnedOffOutside", product: "azureSavingsPlans" }];
  if (name === "Tailspin Toys")
    return [{ code: "TurnedOnOutside", product: "azureReservations", byUserPrincipalName: "kim@partner.example" }];
  return name === "青空商事株式会社" ? [{ code: "OwnerLost", product: "azureReservations" }] : [];
}
