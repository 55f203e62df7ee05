/** Changes that Stryker makes and that no test can tell, each with the reason. mutation.ts puts them into docs/mutation.md. */

const asGoodAsNone =
  "A member that is undefined is as good as none: JSON leaves it out, and whoever reads it finds undefined.";
const isOpen = "Whatever is neither reached nor refused is open.";
const noFinding = "A text is no finding of any product: it is passed over.";
const noFailure = "A text is no failure that passes: it is passed over.";
const onlyAfterFailure = "It is asked of a check that has failed, so there is an eligibility.";
const sameTransaction = "The change that the record names has its row, since one transaction writes both.";
const oneOutcomeEach = "Whoever was begun has an outcome, and one that failed has no isVerified.";
const refusalStands = "It is read only where a refusal stands.";

/** By file: the change as docs/mutation.md shows it, original → replacement, and the reason. */
const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "shared/domain/change.ts": {
    "operationType === undefined → false": asGoodAsNone,
    "wish.reason === undefined → false": asGoodAsNone,
    "new Date(last) > now → new Date(last) >= now": "Two equal times are one text.",
    "last !== null → true": "No time counts as 1970, which is not later than now.",
  },
  "shared/domain/drift.ts": {
    '[] → ["Stryker was here"]': noFinding,
    'checkOf(eligibility, "azureSubscription")?.code → checkOf(eligibility, "azureSubscription").code':
      onlyAfterFailure,
    "eligibility?.subscriptions → eligibility.subscriptions": onlyAfterFailure,
  },
  "shared/domain/eligibility-report.ts": {
    "owned.owners[0]?.principalType → owned.owners[0].principalType": "It was found by having an Owner.",
    "unseen.code === undefined → false": "It was found by its code.",
    "code !== undefined → true": 'There is no verdict called "undefined".',
  },
  "shared/domain/eligibility.ts": { "warning === undefined → false": asGoodAsNone },
  "shared/domain/partner-center-refusal.ts": { "code === undefined → false": asGoodAsNone },
  "shared/use-cases/check-eligibility.ts": {
    "question.product === undefined → false": asGoodAsNone,
    '[] → ["Stryker was here"]': `${noFailure} Nor has it a subscription's id.`,
    "seen.assignments += 1 → seen.assignments -= 1": "It is only asked whether there was any.",
  },
  "shared/use-cases/compare-customer.ts": {
    "eligibility === undefined → false": asGoodAsNone,
    "changedAt === null → false": "No time counts as 1970, which is before any change.",
  },
  "shared/use-cases/continue-change.ts": {
    "{ last: undefined } → {}": asGoodAsNone,
    "change?.intent === undefined → false":
      "The record names no change that has ended or is not there, so the next line returns it.",
  },
  "shared/use-cases/detect-drift.ts": {
    "position === undefined → false": asGoodAsNone,
    "next !== undefined → true": "Without a next page the round ends, and its position is not used.",
    "obstacle === undefined → false": "Without an obstacle the position is that of the last customer.",
    'outcome !== undefined && "isVerified" in outcome → true': oneOutcomeEach,
    'outcome !== undefined && "isVerified" in outcome → outcome !== undefined || "isVerified" in outcome':
      oneOutcomeEach,
    "outcome !== undefined → true": oneOutcomeEach,
    '"failure" in outcome && … → "failure" in outcome || outcome.failure instanceof PartnerCenterRefusal':
      "Only a PartnerCenterRefusal has a reason.",
  },
  "shared/use-cases/follow-up-changes.ts": {
    '"" → "Stryker was here!"': "Ids are digits and a to f: all stand before an S, and a round begins with the first.",
    "behind < 0 → behind <= 0": "A round from the first one is a round in order.",
  },
  "shared/use-cases/get-operation.ts": { "error === undefined → false": asGoodAsNone },
  "shared/use-cases/list-activities.ts": {
    "customerId === undefined → true": "A customer's times never run backwards, so both orders are one.",
    "customerId === undefined → false": asGoodAsNone,
    "last === undefined → false": "Where there are more than were asked for there is a last one.",
  },
  "shared/use-cases/list-customers.ts": {
    "seenAt === undefined → false": asGoodAsNone,
    "verifiedAt === undefined → false": asGoodAsNone,
  },
  "shared/use-cases/move-policy.ts": {
    '{ kind: "open" } → {}': isOpen,
    '"open" → ""': isOpen,
    "(await store.findChange(customerId, changeId))?.intent → (await store.findChange(customerId, changeId)).intent":
      sameTransaction,
    "own === undefined → false": asGoodAsNone,
  },
  "shared/use-cases/partner-center-gate.ts": {
    "before?.refusal → before.refusal": refusalStands,
    "before?.refusal?.since → before?.refusal.since": refusalStands,
  },
  "shared/use-cases/set-permission.ts": {
    "partnerCenter !== undefined → true": "Without Partner Center no change is begun.",
    'earlier.status === "Running" → true': "A change that has ended costs two reads more and gets the same answer.",
    "correlationId === undefined → false": asGoodAsNone,
    "evidence === undefined → false": asGoodAsNone,
    "partnerCenter === undefined → false":
      "Without Partner Center the wish counts as said, and there is nothing to overtake.",
    "change?.intent → change.intent": sameTransaction,
    "manualSteps === undefined → false": asGoodAsNone,
  },
  "shared/use-cases/sweep-pending-activities.ts": {
    "clock.now().getTime() - now >= runMilliseconds → clock.now().getTime() - now > runMilliseconds":
      "Whether the very last millisecond still counts makes no difference.",
  },
  "shared/use-cases/synchronise-customers.ts": { "endedAt === undefined → false": asGoodAsNone },
  "shared/use-cases/watch-policy.ts": {
    "notBefore !== undefined → true": "No time is not a number, and nothing is less than that.",
    '{ kind: "open" } → {}': isOpen,
    '"open" → ""': isOpen,
  },
};

export function reasonOf(file: string, change: string): string | undefined {
  return reasons[file]?.[change];
}
