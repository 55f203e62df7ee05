/**
 * The Swagger 2.0 document, as the running product answers it: it says what the OpenAPI document says, others' checkers
 * find nothing wrong with either, and Power Platform and Logic Apps find what they look for.
 */

import { readFileSync } from "node:fs";
import { request } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { routesOf, type UseCases } from "../functions/register-functions.ts";
import { operationsOfOpenApi, operationsOfSwagger, remarksOn, type SwaggerDocument } from "./harness/api-documents.ts";
import type { OpenApiDocument } from "./harness/openapi.ts";
import { type Product, startProduct } from "./harness/product.ts";

let product: Product;
let swagger: SwaggerDocument;
let openApi: OpenApiDocument;

beforeAll(async () => {
  product = await startProduct({ customers: [] });
  const answers = await Promise.all(
    ["/swagger.json", "/openapi.json"].map((path) => product.call("GET", path, { token: null })),
  );
  for (const { status, headers } of answers) {
    expect([status, headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
  }
  [swagger, openApi] = answers.map(({ body }) => body) as [SwaggerDocument, OpenApiDocument];
});
afterAll(() => product?.stop());

const routes = routesOf({} as UseCases);

/** What a function of this name answers without a host around it. */
async function answered(name: "Swagger" | "OpenApi", url: string, requireFunctionKey = false) {
  const route = routesOf({} as UseCases, requireFunctionKey).find((each) => each.name === name);
  if (route === undefined) throw new Error(`The function ${name} is not registered.`);
  const { body } = await route.handler({ url: new URL(url) } as never);
  return body as never;
}

describe("both documents", () => {
  test("say the same of every operation", () => {
    const said = operationsOfOpenApi(openApi);
    expect(operationsOfSwagger(swagger)).toEqual(said);
    expect(said.map(({ id }) => id)).toEqual(routes.map(({ name }) => name));
    expect([swagger.info, swagger.tags]).toEqual([(openApi as any).info, (openApi as any).tags]);
  });

  test("say the same where the Functions host asks for a key", async () => {
    const url = "https://api.contoso.example/api/x";
    const withKey: SwaggerDocument = await answered("Swagger", url, true);
    const said = operationsOfOpenApi(await answered("OpenApi", url, true));
    expect(operationsOfSwagger(withKey)).toEqual(said);
    expect(said[0]?.security).toEqual(["token", "functionKey"]);
    expect(Object.keys(withKey.securityDefinitions)).toEqual(["token", "functionKey"]);
    expect(Object.keys(swagger.securityDefinitions)).toEqual(["token"]);
  });

  test("are compared with every word: a changed one is seen", () => {
    const said = JSON.stringify(operationsOfOpenApi(openApi));
    const text = JSON.stringify(swagger);
    for (const [from, to] of [
      ['"required":true', '"required":false'],
      ['"format":"uuid"', '"format":"date-time"'],
      ['"x-nullable":true', '"x-nullable":false'],
      ['"maxLength":500', '"maxLength":501'],
      ['"409":', '"410":'],
      ['"ETag":', '"Tag":'],
      ['"/activities"', '"/activity"'],
      ['"put":', '"post":'],
    ] as const) {
      expect(text).toContain(from);
      const changed = operationsOfSwagger(JSON.parse(text.replace(from, to)));
      expect([from, JSON.stringify(changed) === said]).toEqual([from, false]);
    }
  });

  /** There is no contact to give: whoever deploys it is one. */
  const known = [{ checker: "spectral", isError: false, rule: "info-contact" }];

  test("are right for swagger-parser, Spectral and Redocly, with no rule switched off", async () => {
    for (const document of [swagger, openApi]) {
      const remarks = await remarksOn(document);
      expect(remarks.filter(({ isError }) => isError)).toEqual([]);
      expect(remarks).toMatchObject(known);
    }
  }, 60_000);

  test("would be refused by each of them with a fault in it", async () => {
    const wrongWay = (document: object) =>
      JSON.parse(JSON.stringify(document).replaceAll('"in":"query"', '"in":"url"'));
    const checkers = async (document: object) => [
      ...new Set((await remarksOn(document)).filter(({ isError }) => isError).map(({ checker }) => checker)),
    ];
    expect(await checkers(wrongWay(swagger))).toEqual(["swagger-parser", "spectral"]);
    expect(await checkers(wrongWay(openApi))).toEqual(["swagger-parser", "spectral", "redocly"]);
    expect(await checkers({ ...openApi, "x-more": { $ref: "https://elsewhere.example/x" } })).toEqual(["references"]);
  }, 60_000);
});

describe("the address in it", () => {
  function askedAs(host: string): Promise<SwaggerDocument> {
    return new Promise((resolve, reject) => {
      request(`${product.url}/api/swagger.json`, { headers: { host } }, (response) => resolve(json(response) as never))
        .once("error", reject)
        .end();
    });
  }

  test("is the one that the request was sent to, and no later caller gets it", async () => {
    const { host } = new URL(product.url);
    expect(swagger).toMatchObject({ host, basePath: "/api", schemes: ["http"] });
    expect(await askedAs("api.contoso.example")).toMatchObject({ host: "api.contoso.example", schemes: ["https"] });
    expect(await askedAs(host)).toMatchObject({ host, schemes: ["http"] });
  });

  test.each<[string, string, object]>([
    [
      "https, though a proxy spoke http to us",
      "http://api.contoso.example",
      { host: "api.contoso.example", schemes: ["https"] },
    ],
    ["with a port", "https://api.contoso.example:8443", { host: "api.contoso.example:8443", schemes: ["https"] }],
    ["that of the development host", "http://localhost:7071", { host: "localhost:7071", schemes: ["http"] }],
    ["none where Swagger 2.0 cannot write it", "https://[2001:db8::1]:8443", { host: undefined, schemes: ["https"] }],
  ])("is %s", async (_, origin, address) => {
    const { host, schemes }: SwaggerDocument = await answered("Swagger", `${origin}/api/swagger.json`);
    expect({ host, schemes }).toEqual(address);
  });
});

describe("Power Platform and Logic Apps find", () => {
  const operations = () =>
    Object.values(swagger.paths).flatMap((methods) =>
      Object.values(methods).filter(({ operationId }) => operationId !== undefined),
    );
  const parameters = () => [
    ...Object.values(swagger.parameters),
    ...operations().flatMap((operation) => operation.parameters),
  ];
  const title = /^[A-Z][A-Za-z\d]*( [A-Z][A-Za-z\d]*| of| for| the)*$/;

  test("a title for everything that people fill in or choose", () => {
    for (const { $ref, in: place, name, ...rest } of parameters()) {
      if ($ref !== undefined || place === "body") continue;
      expect([name, rest["x-ms-summary"]]).toEqual([name, expect.stringMatching(title)]);
    }
    for (const [name, { properties = {}, ...rest }] of Object.entries(swagger.definitions)) {
      expect([name, rest["x-ms-summary"]]).toEqual([name, expect.stringMatching(title)]);
      for (const [key, member] of Object.entries<any>(properties)) {
        // Beside a reference nothing else counts.
        const expected = member.$ref === undefined ? expect.stringMatching(title) : undefined;
        expect([name, key, member["x-ms-summary"]]).toEqual([name, key, expected]);
      }
    }
    const titleOf = (wanted: string) => parameters().find(({ name }) => name === wanted)?.["x-ms-summary"];
    expect(["customerId", "MS-CorrelationId", "maxpagesize"].map(titleOf)).toEqual([
      "Customer ID",
      "MS Correlation ID",
      "Page Size",
    ]);
  });

  test("what people need not see hidden, and ids and tags behind 'show advanced'", () => {
    const byName = new Map(parameters().map((parameter) => [parameter.name, parameter]));
    expect(byName.get("api-version")).toMatchObject({ "x-ms-visibility": "internal", default: "2026-11-01" });
    expect(byName.get("skipToken")).toMatchObject({ "x-ms-visibility": "internal", required: false });
    const headers = parameters().filter((parameter) => parameter.in === "header");
    expect(headers.length).toBeGreaterThan(5);
    for (const header of headers) expect(header["x-ms-visibility"]).toBe("advanced");
    const shown = operations().filter((operation) => operation["x-ms-visibility"] !== "internal");
    expect(shown.map(({ operationId }) => operationId)).toEqual(
      routes.filter(({ access, ...route }) => access !== "anonymous" && "route" in route).map(({ name }) => name),
    );
  });

  test("the link to the next page of every list, and of nothing else", () => {
    const paged = operations().filter((operation) => operation["x-ms-pageable"] !== undefined);
    expect(paged.map(({ operationId }) => operationId)).toEqual(["ListCustomers", "ListActivities"]);
    for (const operation of paged) {
      const { $ref } = operation.responses["200"].schema;
      const { nextLinkName } = operation["x-ms-pageable"];
      expect(swagger.definitions[$ref.split("/").at(-1)].properties[nextLinkName]).toMatchObject({ format: "uri" });
    }
  });

  test("path parameters that are encoded once, and customers to choose from", () => {
    const inPath = parameters().filter((parameter) => parameter.in === "path");
    for (const parameter of inPath) expect(parameter["x-ms-url-encoding"]).toBe("single");
    const choices = parameters().filter((parameter) => parameter["x-ms-dynamic-values"] !== undefined);
    expect(new Set(choices.map(({ name }) => name))).toEqual(new Set(["customerId"]));
    const choice = choices[0]?.["x-ms-dynamic-values"];
    const list = operations().find(({ operationId }) => operationId === choice.operationId);
    for (const name of Object.keys(choice.parameters)) {
      expect(list.parameters.map((parameter: any) => parameter.name)).toContain(name);
    }
    const page = swagger.definitions[list.responses["200"].schema.$ref.split("/").at(-1)];
    const item = swagger.definitions[page.properties[choice["value-collection"]].items.$ref.split("/").at(-1)];
    expect(Object.keys(item.properties)).toEqual(expect.arrayContaining([choice["value-path"], choice["value-title"]]));
  });

  test("a sign-in of Entra, with the scope that each operation needs", () => {
    const { token } = swagger.securityDefinitions;
    expect(token).toMatchObject({ type: "oauth2", flow: "accessCode" });
    for (const url of [token.authorizationUrl, token.tokenUrl])
      expect(new URL(url).origin).toBe("https://login.microsoftonline.com");
    for (const { name, access } of routes) {
      const { security } = operations().find(({ operationId }) => operationId === name);
      const scope = { read: "Permissions.Read", write: "Permissions.ReadWrite", anonymous: undefined }[access];
      expect([name, security]).toEqual([name, scope === undefined ? [] : [{ token: [scope] }]]);
      if (scope !== undefined) expect(Object.keys(token.scopes)).toContain(scope);
    }
  });

  test("nothing in the document that nobody refers to, and no tenant or application of the partner's", () => {
    const text = JSON.stringify(swagger);
    const referred = new Set([...text.matchAll(/"#\/(\w+\/[^"]+)"/g)].map(([, place]) => place ?? ""));
    const there = (["definitions", "parameters", "responses"] as const).flatMap((kind) =>
      Object.keys(swagger[kind]).map((name) => `${kind}/${name}`),
    );
    expect([...referred].sort()).toEqual(there.sort());
    expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}-/);
  });
});

describe("the connector's", () => {
  test("definition is what the product answers, but for a host that nobody can own", () => {
    const committed = JSON.parse(readFileSync("connector/apiDefinition.swagger.json", "utf8"));
    expect(committed).toEqual({ ...swagger, host: "your-function-app.example", schemes: ["https"] });
  });

  test("properties are for a sign-in with Entra and hold no id yet", () => {
    const text = readFileSync("connector/apiProperties.json", "utf8");
    const { oAuthSettings } = JSON.parse(text).properties.connectionParameters.token;
    expect(oAuthSettings).toMatchObject({ identityProvider: "aad", redirectMode: "Global" });
    const { customParameters, properties, clientId } = oAuthSettings;
    const toFillIn = [clientId, properties.AzureActiveDirectoryResourceId, customParameters.tenantId.value];
    for (const value of toFillIn) expect(value).toMatch(/^REPLACE-WITH-/);
    expect(customParameters.resourceUri.value).toBe(properties.AzureActiveDirectoryResourceId);
    expect(text).not.toMatch(/[\da-f]{8}-[\da-f]{4}-|secret/i);
  });
});
