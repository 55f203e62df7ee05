/**
 * Entry of the npm scripts: `node local/launch.mjs start|host|token …`. Plain JavaScript that any Node since 18 can
 * parse, so that one too old for TypeScript, or a missing install, is told in a sentence and not in a stack trace.
 */

import { existsSync } from "node:fs";

const scripts = {
  ...{ start: "./start.ts", host: "./host.ts", token: "./token.ts", reset: "./reset.ts", consent: "./consent.ts" },
  ...{ connector: "./connector.ts", client: "./client.ts" },
  "infra:types": "../test/infra/refresh-types.ts",
  ...{
    build: "./build.ts",
    package: "./package.ts",
    size: "../bench/size.ts",
    bench: "../bench/bench.ts",
    "bench:cold": "../bench/cold.ts",
  },
  poison: "./poison.ts",
};
const name = process.argv[2];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const runsTypeScript = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

if (!existsSync(new URL("../node_modules/jose/package.json", import.meta.url))) {
  fail("The packages are not installed here: run `npm ci` first.");
} else if (!runsTypeScript) {
  const script = name === "consent" ? "partner-center:consent" : name;
  const command = name === undefined || name === "start" ? "npm start" : `npm run ${script}`;
  fail(`This is Node ${process.versions.node}, and 22.18 or newer is needed: \`${command}\` brings its own Node 24.`);
} else if (name === undefined || !Object.hasOwn(scripts, name)) {
  fail(`Say what to launch: ${Object.keys(scripts).join(", ")}.`);
} else {
  // The script shall find its own arguments where it expects them.
  process.argv.splice(2, 1);
  try {
    await import(scripts[name]);
  } catch (error) {
    // A Sentence (sentence.ts) is meant for the reader; anything else is a fault of ours and needs its stack.
    const isSentence = error instanceof Error && error.name === "Sentence";
    fail(isSentence ? error.message : error instanceof Error ? error.stack : String(error));
  }
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}
