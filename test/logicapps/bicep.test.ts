/** logicapps/main.bicep agrees with Azure's types, this product's rules and the workflows; and the checker would tell. */

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, expect, test } from "@jest/globals";
import { readBicepTexts } from "../infra/bicep.ts";
import { type CheckBicep, createCheck } from "../infra/check.ts";
import { readTypeSnapshot } from "../infra/type-snapshot.ts";
import { workflowFindings } from "./check-bicep.ts";
import type { Definition } from "./definition.ts";

const path = "main.bicep";
const texts = readBicepTexts("logicapps");
const definitions = new Map(
  readdirSync("logicapps")
    .filter((name) => name.endsWith(".json"))
    .map((name): [string, Definition] => [name, JSON.parse(readFileSync(`logicapps/${name}`, "utf8"))]),
);
let check: CheckBicep;

beforeAll(async () => {
  check = await createCheck(readTypeSnapshot(), (files) => workflowFindings(files, definitions));
});

test("the Bicep file has no fault, and deploys every workflow", () => {
  expect(check(texts).findings).toEqual([]);
  for (const name of definitions.keys()) expect(texts.get(path)).toContain(`loadJsonContent('${name}')`);
});

const planted: Readonly<Record<string, { from: string; to: string; named: RegExp }>> = {
  "a missing brace": { from: "\n}\n\nresource approve", to: "\n\nresource approve", named: /syntax/ },
  "a version without types": { from: "workflows@2019-05-01", to: "workflows@2016-06-01", named: /not among the types/ },
  "a misspelt property": { from: "state: 'Enabled'", to: "status: 'Enabled'", named: /unknown property status/ },
  "a state that there is not": { from: "'Enabled'", to: "'On'", named: /"On" is none of/ },
  "a misspelt property of a connection": {
    from: "displayName: 'Mail",
    to: "title: 'Mail",
    named: /office365\.properties: unknown property title/,
  },
  "an id where an object is wanted": {
    from: "api: {\n      id: office365Id\n    }",
    to: "api: 'office365'",
    named: /api: a string, where/,
  },
  "a missing place": { from: "  location: location\n", to: "", named: /missing property location/ },
  "no identity": {
    from: "  identity: {\n    type: 'SystemAssigned'\n  }\n",
    to: "",
    named: /policy: approveBeforeOn: identity\.type must be 'SystemAssigned'/,
  },
  "a kind of identity that there is not": { from: "'SystemAssigned'", to: "'System'", named: /"System" is none of/ },
  "a property that only Azure has": {
    from: "identity.principalId",
    to: "identity.objectId",
    named: /unknown property objectId/,
  },
  "a name that nobody declares": {
    from: "connectionId: office365.id",
    to: "connectionId: outlook.id",
    named: /undefined name outlook/,
  },
  "a parameter that nobody uses": {
    from: "recipient: { value: reportRecipient }",
    to: "recipient: { value: approver }",
    named: /unused reportRecipient/,
  },
  "a key": {
    from: "connectionName: office365.name",
    to: "connectionName: office365.listKeys().key",
    named: /policy: no keys/,
  },
  "a definition that there is not": {
    from: "'approve-before-on.json'",
    to: "'approve.json'",
    named: /there is no definition approve\.json/,
  },
  "a definition by name only": {
    from: "loadJsonContent('nightly-drift-report.json')",
    to: "{ file: 'nightly-drift-report.json' }",
    named: /there is no definition/,
  },
  "the definition of the other workflow": {
    from: "'approve-before-on.json'",
    to: "'nightly-drift-report.json'",
    named: /approveBeforeOn: nightly-drift-report\.json has no parameter approver/,
  },
  "a missing parameter": {
    from: "      recipient: { value: reportRecipient }\n",
    to: "      sender: { value: reportRecipient }\n",
    named: /nightlyDriftReport: missing parameter recipient/,
  },
  "a parameter without value": {
    from: "apiUrl: { value: apiUrl }",
    to: "apiUrl: { type: 'String', description: apiUrl }",
    named: /parameter apiUrl has no value/,
  },
  "a connection under another name": {
    from: "          office365: {",
    to: "          mail: {",
    named: /missing connection office365/,
  },
};

test.each(Object.entries(planted))("the checker finds %s", (_, { from, to, named }) => {
  const text = texts.get(path) ?? "";
  expect(text).toContain(from);
  const { findings } = check(new Map([[path, text.replace(from, to)]]));
  expect(findings).toContainEqual({ path, line: expect.anything(), message: expect.stringMatching(named) });
});
