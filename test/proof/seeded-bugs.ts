/**
 * Bugs that this product must never have, each as a change of its source and the test that has to notice it.
 * `npm run test:mutants` puts them in one by one (mutants.ts).
 */

export interface Edit {
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly search: string;
  readonly replace: string;
}

export interface SeededBug {
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly caughtBy: {
    readonly file: string;
    /** Part of the full names of the tests that are run: those of `describe` and `test`, in a row. */
    readonly test: string;
  };
}

const store = "shared/adapters/table-permission-store.ts";
const recorder = "shared/use-cases/record-activity.ts";
const chain = "shared/domain/activity.ts";
const eligibility = "shared/domain/eligibility.ts";
const caller = "shared/http/caller.ts";
const setPermission = "shared/use-cases/set-permission.ts";
const delivery = "shared/domain/delivery.ts";
const deliveries = "shared/adapters/table-deliveries.ts";
const webhookTests = "test/webhook-deliveries.test.ts";

export const seededBugs: readonly SeededBug[] = [
  {
    name: "the customer's row is written without its etag",
    edits: [
      {
        file: store,
        search: `["update", customerRow(record), "Replace", { etag: version }]`,
        replace: `["update", customerRow(record), "Replace"]`,
      },
    ],
    caughtBy: {
      file: "test/permissions.test.ts",
      test: "a change that was decided on before another one was written is decided on again",
    },
  },
  {
    name: "the pending row is written after the transaction, not in it",
    edits: [
      {
        file: store,
        search: `  if (activity !== undefined) actions.push(["create", { ...pendingKeys(activity), ...activityColumns(activity) }]);\n`,
        replace: "",
      },
      {
        file: store,
        search: "{ record, created, updated, activity }: RecordedChange",
        replace: "{ record, created, updated }: RecordedChange",
      },
      {
        file: store,
        search: "        return await submit([...actions, ...ofList]).catch(",
        replace: `        const { activity } = granted;
        const afterwards = async (outcome: "committed" | "unknown") => {
          if (activity === undefined) return outcome;
          const client = await table();
          await client.createEntity({ ...pendingKeys(activity), ...activityColumns(activity) });
          return outcome;
        };
        return await submit([...actions, ...ofList]).then(afterwards).catch(`,
      },
    ],
    caughtBy: { file: "test/crash.test.ts", test: "a crash be" },
  },
  {
    name: "a change leaves no row of its own",
    edits: [
      {
        file: store,
        search: `  if (created !== undefined) actions.push(["create", changeRow(customerId, created)]);\n`,
        replace: "",
      },
      {
        file: store,
        search: "{ record, created, updated, activity }: RecordedChange",
        replace: "{ record, updated, activity }: RecordedChange",
      },
    ],
    caughtBy: { file: "test/permissions.test.ts", test: "a repeated request gets" },
  },
  {
    name: "the pending activity is removed first, then logged",
    edits: [
      { file: recorder, search: "    await pending.remove(activity);\n", replace: "" },
      {
        file: recorder,
        search: `    if ((await log.insert(activity)) === "exists") {`,
        replace: `    await pending.remove(activity);\n    if ((await log.insert(activity)) === "exists") {`,
      },
    ],
    caughtBy: { file: "test/crash.test.ts", test: "a crash be" },
  },
  {
    name: "the partner's own group counts as the customer's Owner",
    edits: [
      {
        file: eligibility,
        search: `  if (principalType === "ForeignGroup") return ignored("PartnerPrincipal");\n`,
        replace: "",
      },
      {
        file: eligibility,
        search: `if (principalType !== "User" && principalType !== "Group")`,
        replace: `if (principalType !== "User" && !principalType.endsWith("Group"))`,
      },
    ],
    caughtBy: { file: "test/check-eligibility.test.ts", test: "an Owner that is the partner's own group never counts" },
  },
  {
    name: "an Owner of a resource group counts",
    edits: [
      {
        file: eligibility,
        search: `    path === "/" ||\n`,
        replace: `    path === "/" ||\n    path.includes("/resourcegroups/") ||\n`,
      },
    ],
    caughtBy: { file: "test/check-eligibility.test.ts", test: "an Owner below the subscription at" },
  },
  {
    name: "any agent may switch",
    edits: [
      {
        file: caller,
        search: `if (access === "write" && !roles.has("AdminAgent"))`,
        replace: `if (access === "write" && roles.size === 0)`,
      },
    ],
    caughtBy: { file: "test/callers.test.ts", test: "a role opens its doors and no others to a Sales Agent" },
  },
  {
    name: "an entry of the log is not chained to the one before",
    edits: [{ file: chain, search: "previousHash: head.headHash", replace: `previousHash: "0".repeat(64)` }],
    caughtBy: { file: "test/activity-chain.test.ts", test: "any sequence of changes gives a chain without gaps" },
  },
  {
    name: "Partner Center's yes to a write is believed",
    edits: [
      {
        file: "shared/use-cases/move-policy.ts",
        search: "        planned = undefined;\n",
        replace: `        planned = { kind: "none" };\n`,
      },
    ],
    caughtBy: { file: "test/partner-center.test.ts", test: "a write that does nothing is never reported as On" },
  },
  {
    name: "Off waits for an On that is stuck",
    edits: [
      {
        file: setPermission,
        search: `if (unfinished.state === "On" && wish.state === "Off" && change?.intent !== undefined) return change;`,
        replace: `if (unfinished.state === "Off" && wish.state === "On" && change?.intent !== undefined) return change;`,
      },
    ],
    caughtBy: { file: "test/partner-center.test.ts", test: "Off overtakes an On that is stuck" },
  },
  {
    name: "a finding of drift is written whatever has become of the record",
    edits: [
      {
        file: "shared/use-cases/compare-customer.ts",
        search: `(await store.commit(stored, reported)) !== "committed"`,
        replace: `(await store.commit(await store.readCustomer(customerId), reported)) !== "committed"`,
      },
    ],
    caughtBy: { file: "test/use-cases/compare-customer.test.ts", test: "a customer that is just being changed" },
  },
  {
    name: "a subscription that another partner sold counts",
    edits: [
      {
        file: eligibility,
        search: `  if (sales !== undefined && sale === undefined) return no("NotSoldByPartner");\n`,
        replace: "",
      },
    ],
    caughtBy: {
      file: "test/eligibility-rules.test.ts",
      test: "and that is not among the sales, is not sold by this partner",
    },
  },
  {
    name: "a token for somebody else's API is accepted",
    edits: [
      {
        file: caller,
        search: "createReadCaller({ tenantIds, audience, authorityHost }",
        replace: "createReadCaller({ tenantIds, authorityHost }",
      },
      { file: caller, search: "      audience,\n", replace: "" },
    ],
    caughtBy: { file: "test/callers.test.ts", test: "a token is refused meant for Azure Resource Manager" },
  },
  {
    name: "a token's signature is not checked",
    edits: [
      {
        file: caller,
        search: "      if (error instanceof Refusal) throw error;\n",
        replace: `      if (error instanceof Refusal) throw error;
      if (error instanceof errors.JWSSignatureVerificationFailed) return { payload: decodeJwt(token) };\n`,
      },
    ],
    caughtBy: { file: "test/callers.test.ts", test: "a token is refused signed with a foreign key under our key id" },
  },
  {
    name: "On passes a check that could not tell",
    edits: [
      {
        file: setPermission,
        search: `if (eligibility.result === "Eligible") return`,
        replace: `if (eligibility.result !== "NotEligible") return`,
      },
    ],
    caughtBy: {
      file: "test/check-eligibility.test.ts",
      test: "what is not seen is not taken for missing no assignment in the list",
    },
  },
  {
    name: "what somebody else put into a policy is thrown away",
    edits: [
      {
        file: "shared/domain/self-serve-policy.ts",
        search: "permissions: [...policy.permissions, permission]",
        replace: "permissions: [permission]",
      },
    ],
    caughtBy: {
      file: "test/partner-center.test.ts",
      test: "a policy that is there although we did not know is updated, never doubled",
    },
  },
  {
    name: "an answer without a policy's list is taken for no policy",
    edits: [
      {
        file: "shared/adapters/partner-center-policies.ts",
        search: `    throw odd(answer, "is no collection of one policy or none");`,
        replace: "    return undefined;",
      },
    ],
    caughtBy: { file: "test/partner-center-policies.test.ts", test: "an answer that makes no sense is no answer" },
  },
  {
    name: "our token is shown to whatever host a link names",
    edits: [
      {
        file: "shared/adapters/arm-guard.ts",
        search: `      if (new URL(request.url).origin !== origin) throw unintelligible("A link leads to another host.");\n`,
        replace: "",
      },
      {
        file: "shared/adapters/arm-guard.ts",
        search: "createArmGuard(origin: string, ",
        replace: "createArmGuard(_: string, ",
      },
    ],
    caughtBy: { file: "test/check-eligibility.test.ts", test: "is not followed to another host" },
  },
  {
    name: "an activity is no longer pending before its deliveries are written",
    edits: [
      { file: recorder, search: "    await pending.remove(activity);\n", replace: "" },
      {
        file: recorder,
        search: "    const announced = await announcements.prepare(activity);\n",
        replace: "    await pending.remove(activity);\n    const announced = await announcements.prepare(activity);\n",
      },
    ],
    caughtBy: { file: webhookTests, test: "kill -9 loses nothing after the pending activity is removed" },
  },
  {
    name: "the signature of a webhook leaves out the time",
    edits: [
      {
        file: delivery,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source.
        search: "update(`${activity.id}.${timestamp}.${body}`)",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source.
        replace: "update(`${activity.id}.${body}`)",
      },
    ],
    caughtBy: { file: webhookTests, test: "a change is delivered once, signed" },
  },
  {
    name: "a receiver that is gone is told for three more days",
    edits: [{ file: delivery, search: `  if (status === 410) return { kind: "gone" };\n`, replace: "" }],
    caughtBy: { file: webhookTests, test: "makes a webhook go whose receiver says that it is gone" },
  },
  {
    name: "a delivery that somebody else has taken is made nevertheless",
    edits: [
      {
        file: "shared/use-cases/deliver-to-webhook.ts",
        search: `if (own === undefined) return "taken";`,
        replace: "",
      },
      {
        file: "shared/use-cases/deliver-to-webhook.ts",
        search: "const own = await deliveries.replace(due, { ...due, attempts: due.attempts + 1, dueAt });",
        replace: "const own = (await deliveries.replace(due, { ...due, attempts: due.attempts + 1, dueAt })) ?? due;",
      },
    ],
    caughtBy: {
      file: "test/use-cases/deliver-webhook.test.ts",
      test: "that comes twice at the same time delivers once",
    },
  },
  {
    name: "one webhook replays what was to be delivered to another",
    edits: [
      {
        file: deliveries,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source.
        search: "(await queryRows(table, `PartitionKey eq '${webhookId}' and ${range}`, limit)).map(deliveryOf)",
        replace: "(await queryRows(table, range, limit)).map(deliveryOf)",
      },
    ],
    caughtBy: { file: webhookTests, test: "what a receiver did not take for three days" },
  },
  {
    name: "the page of a proxy is taken for a replay that was written",
    edits: [
      {
        file: "shared/adapters/table-transaction.ts",
        search: "  if (!isDone) throw",
        replace: "  if (isDone === undefined) throw",
      },
    ],
    caughtBy: { file: webhookTests, test: "what a receiver did not take for three days" },
  },
  {
    name: "a message to the queue that met a broken connection is left to the sweep",
    edits: [
      {
        file: "shared/adapters/storage-queues.ts",
        search: "else if (abortSignal.aborted || !mayPass(error)) throw error;",
        replace: "else throw error;",
      },
    ],
    caughtBy: { file: "test/storage-outages.test.ts", test: "into the log once, although its push is lost" },
  },
];
