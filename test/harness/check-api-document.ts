/**
 * Reads an API document from stdin and writes to stdout what the checkers that others use say of it, as JSON: in a
 * process of its own, because jest loads no ES modules and one of them is such. Started by api-documents.ts.
 */

import { text } from "node:stream/consumers";
import swaggerParser from "@apidevtools/swagger-parser";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import spectral from "@stoplight/spectral-core";
import rulesets from "@stoplight/spectral-rulesets";
import type { Remark } from "./api-documents.ts";

async function bySwaggerParser(document: object): Promise<Remark[]> {
  try {
    await swaggerParser.validate(structuredClone(document) as never, { resolve: { external: false } });
    return [];
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [{ checker: "swagger-parser", isError: true, rule: "schema", place: "", message }];
  }
}

async function bySpectral(document: object): Promise<Remark[]> {
  const checker = new spectral.Spectral();
  checker.setRuleset(rulesets.oas as never);
  const found = await checker.run(JSON.stringify(document));
  return found.map(({ code, path, message, severity }) => ({
    checker: "spectral",
    isError: severity === 0,
    rule: String(code),
    place: path.join("/"),
    message,
  }));
}

/** The recommended rules, none of them switched off. */
async function byRedocly(document: object): Promise<Remark[]> {
  const config = await createConfig({ extends: ["recommended"] });
  const found = await lintFromString({ source: JSON.stringify(document), config });
  return found.map(({ ruleId, severity, message, location }) => ({
    checker: "redocly",
    isError: severity === "error",
    rule: ruleId,
    place: location[0]?.pointer ?? "",
    message,
  }));
}

/** The other checkers would fetch it. */
function byReferences(source: string): Remark[] {
  return [...source.matchAll(/"\$ref":\s*"(?!#)([^"]*)"/g)].map(([, message = ""]) => ({
    checker: "references",
    isError: true,
    rule: "inside",
    place: "",
    message,
  }));
}

const source = await text(process.stdin);
const document = JSON.parse(source);
const elsewhere = byReferences(source);
const found =
  elsewhere.length > 0
    ? elsewhere
    : [
        ...(await bySwaggerParser(document)),
        ...(await bySpectral(document)),
        ...("openapi" in document ? await byRedocly(document) : []),
      ];
process.stdout.write(JSON.stringify(found));
