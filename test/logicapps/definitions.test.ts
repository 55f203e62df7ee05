/** The workflows in logicapps/ are such as the Logic Apps runtime takes and our API answers; and the checker would tell. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { OpenApiDocument } from "../harness/openapi.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { faultsOfDefinition } from "./check-definition.ts";
import type { Definition } from "./definition.ts";

const names = ["approve-before-on", "nightly-drift-report"] as const;
const read = (name: string): Definition => JSON.parse(readFileSync(`logicapps/${name}.json`, "utf8"));

let product: Product;
let api: OpenApiDocument;
beforeAll(async () => {
  product = await startProduct();
  api = (await product.call("GET", "/openapi.json", { token: null })).body;
});
afterAll(() => product.stop());

test.each(names)("%s has no fault", (name) => {
  expect(faultsOfDefinition(read(name), api)).toEqual([]);
});

interface Planted {
  readonly in: (typeof names)[number];
  plant(definition: any): void;
  readonly found: RegExp;
}

const approve = "approve-before-on";
const nightly = "nightly-drift-report";
const turnOn = ({ actions }: any) => actions.Was_it_approved.actions.Turn_on;
const look = ({ actions }: any) => actions.Look_at_the_customer.actions;
const customers = ({ actions }: any) => actions.Page_through_customers.actions;

const planted: Readonly<Record<string, Planted>> = {
  "a step after one that there is not": {
    in: approve,
    plant: ({ actions }) => {
      actions.Was_it_approved.runAfter = { Ask: ["Succeeded"] };
    },
    found: /^Was_it_approved runs after Ask, which is not beside it/,
  },
  "a step after one in another scope": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).runAfter = { Ask_for_approval: ["Succeeded"] };
    },
    found: /^Turn_on runs after Ask_for_approval, which is not beside it/,
  },
  "a state that there is not": {
    in: approve,
    plant: ({ actions }) => {
      actions.Was_it_approved.runAfter = { Ask_for_approval: ["Approved"] };
    },
    found: /^Was_it_approved runs after Ask_for_approval in a state/,
  },
  "a cycle": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Get_customers.runAfter = { Remember_customers: ["Succeeded"] };
    },
    found: /^Get_customers waits for itself/,
  },
  "the body of a misspelt step": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.headers["If-Match"] = "@{outputs('Get_permissions')?['headers']?['ETag']}";
    },
    found: /^Turn_on names outputs\('Get_permissions'\), which does not run before it/,
  },
  "the body of a later step": {
    in: approve,
    plant: (definition) => {
      look(definition).Get_permission.inputs.headers = { "If-None-Match": "@{body('Check_eligibility')?['etag']}" };
    },
    found: /^Get_permission names body\('Check_eligibility'\), which does not run before it/,
  },
  "a variable that nobody makes": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.headers["Repeatability-Request-ID"] = "@{variables('requestID2')}";
    },
    found: /^Turn_on names variables\('requestID2'\)/,
  },
  "a variable set from itself": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Remember_customers.inputs.value =
        "@union(variables('customers'), body('Keep_those_with_findings'))";
    },
    found: /^Remember_customers sets customers from itself/,
  },
  "a variable made in a loop": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Again = {
        type: "InitializeVariable",
        inputs: { variables: [{ name: "x", type: "string" }] },
      };
    },
    found: /^Again makes a variable inside/,
  },
  "a parameter that there is not": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.authentication.audience = "@parameters('audience')";
    },
    found: /^Turn_on names no parameter audience/,
  },
  "a parameter that nobody uses": {
    in: nightly,
    plant: ({ parameters }) => {
      parameters.apiKey = { type: "String" };
    },
    found: /^Nobody uses the parameter apiKey/,
  },
  "a function that there is not": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Keep_those_with_findings.inputs.where = "@isNotEmpty(item()?['findings'])";
    },
    found: /calls isNotEmpty, which is unknown/,
  },
  "an expression without its end": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Keep_those_with_findings.inputs.where = "@not(empty(item()?['findings'])";
    },
    found: /cannot be read/,
  },
  "a call without a method": {
    in: approve,
    plant: (definition) => {
      delete look(definition).Get_permission.inputs.method;
    },
    found: /^Get_permission lacks inputs\.method/,
  },
  "a loop without an end": {
    in: nightly,
    plant: ({ actions }) => {
      delete actions.Page_through_customers.limit;
    },
    found: /^Page_through_customers lacks limit\.count/,
  },
  "a mail that nobody can answer": {
    in: approve,
    plant: ({ actions }) => {
      delete actions.Ask_for_approval.inputs.body.NotificationUrl;
    },
    found: /^Ask_for_approval lacks inputs\.body\.NotificationUrl/,
  },
  "an answer in a loop": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Answer = { type: "Response", inputs: { statusCode: 200 } };
    },
    found: /^Answer stands in a loop/,
  },
  "a token for Azure Resource Manager": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.authentication.audience = "https://management.azure.com/";
    },
    found: /^Turn_on asks for a token for https:\/\/management/,
  },
  "a parameter that means Microsoft Graph unless told otherwise": {
    in: nightly,
    plant: ({ parameters }) => {
      parameters.apiAudience.defaultValue = "https://graph.microsoft.com";
    },
    found: /^Get_customers asks for a token for https:\/\/graph/,
  },
  "no audience": {
    in: approve,
    plant: (definition) => {
      delete turnOn(definition).inputs.authentication.audience;
    },
    found: /^Turn_on has no audience/,
  },
  "another way to sign in": {
    in: approve,
    plant: (definition) => {
      look(definition).Get_permission.inputs.authentication = {
        type: "Basic",
        username: "me",
        password: "@{parameters('approver')}",
      };
    },
    found: /^Get_permission does not call with the managed identity/,
  },
  "a function key in the URI": {
    in: approve,
    plant: (definition) => {
      look(definition).Get_permission.inputs.uri += "&code=abc";
    },
    found: /holds a key or a secret/,
  },
  "a function key in a header": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.headers["x-functions-key"] = "abc";
    },
    found: /holds a key or a secret/,
  },
  "a route that there is not": {
    in: approve,
    plant: (definition) => {
      const { inputs } = look(definition).Check_eligibility;
      inputs.uri = inputs.uri.replace("/eligibility", "/eligible");
    },
    found: /^Check_eligibility calls GET \/customers\/\*\/eligible, which there is not/,
  },
  "a method that the route has not": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.method = "PATCH";
    },
    found: /^Turn_on calls PATCH .* which there is not/,
  },
  "another host": {
    in: approve,
    plant: (definition) => {
      look(definition).Get_permission.inputs.uri = "https://example.com/api/customers";
    },
    found: /^Get_permission calls something else than apiUrl/,
  },
  "a nextLink followed wherever it leads": {
    in: nightly,
    plant: (definition) => {
      customers(definition).Get_customers.inputs.uri = "@variables('customersQuery')";
    },
    found: /^Get_customers calls something else than apiUrl/,
  },
  "the nextLink of another list": {
    in: nightly,
    plant: (definition) => {
      const inputs = customers(definition).Go_to_the_next_page_of_customers.inputs;
      inputs.value = inputs.value.replace("Get_customers", "Keep_those_with_findings");
    },
    found: /^Get_customers goes on with .* which is no nextLink of its own/,
  },
  "an unknown query parameter": {
    in: nightly,
    plant: ({ actions }) => {
      actions.Begin_with_the_first_customers.inputs.variables[0].value += "&findings=true";
    },
    found: /^Get_customers sends findings in its query/,
  },
  "another api-version": {
    in: approve,
    plant: (definition) => {
      const { inputs } = turnOn(definition);
      inputs.uri = inputs.uri.replace("2026-11-01", "2025-01-01");
    },
    found: /^Turn_on does not ask for api-version 2026-11-01/,
  },
  "an unknown header": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.headers["If-Matches"] = "x";
    },
    found: /^Turn_on sends the header If-Matches/,
  },
  "an unknown field": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.body.comment = "x";
    },
    found: /^Turn_on sends comment, which is unknown/,
  },
  "a value that there is not": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.body.state = "Enabled";
    },
    found: /^Turn_on sends Enabled as state/,
  },
  "retries without a request id": {
    in: approve,
    plant: (definition) => {
      delete turnOn(definition).inputs.headers["Repeatability-Request-ID"];
    },
    found: /^Turn_on is retried without a request id/,
  },
  "a request id that is not the same twice": {
    in: approve,
    plant: (definition) => {
      turnOn(definition).inputs.headers["Repeatability-Request-ID"] = "@{guid()}";
    },
    found: /^Turn_on makes a new Repeatability-Request-ID/,
  },
  "two branches for one case": {
    in: approve,
    plant: ({ actions }) => {
      actions.Was_it_approved.actions.Why_is_it_not_On.cases.It_was_refused.case = "412";
    },
    found: /^Why_is_it_not_On has two branches/,
  },
};

describe("the checker finds", () => {
  test.each(Object.entries(planted))("%s", (_, { in: name, plant, found }) => {
    const definition = read(name);
    plant(definition);
    expect(faultsOfDefinition(definition, api)).toContainEqual(expect.stringMatching(found));
  });
});
