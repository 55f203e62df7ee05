/** SECURITY.md names a test for what it claims, or says that there is a gap. Whoever renames a test is told here. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";

const page = readFileSync("SECURITY.md", "utf8");
const named = [...page.matchAll(/`(test\/[\w./-]+\.test\.ts)` "([^"]+)"/g)].map(([, file = "", name = ""]) => ({
  file,
  name,
}));

function rowsOf(heading: string): string[][] {
  const [section = ""] = new RegExp(`^## ${heading}[\\s\\S]*?(?=^## |$(?![\\s\\S]))`, "m").exec(page) ?? [];
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  return rows.slice(1).map((row) => row.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "")));
}

/** The first thing in the brackets of `test(…)`, `describe(…)` or what follows `.each(…)`. */
function standsIn(source: string, name: string): boolean {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`\\(\\s*["'\`]${escaped}["'\`],`).test(source);
}

test("every test that is named exists", () => {
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(({ file, name }) => !existsSync(file) || !standsIn(readFileSync(file, "utf8"), name));
  expect(missing).toEqual([]);
});

test("no proof is written in a way that is not looked at", () => {
  const files = page.match(/`test\/[^`]+`/g) ?? [];
  expect(files.filter((file) => file !== "`test/security-document.test.ts`")).toHaveLength(named.length);
});

test("the ten rules of OWASP are all there, in their order", () => {
  const rules = rowsOf("OWASP API Security Top 10, 2023").map(([rule = ""]) => rule.split(" ")[0]);
  expect(rules).toEqual(Array.from({ length: 10 }, (_, index) => `API${index + 1}`));
});

describe.each(["OWASP API Security Top 10, 2023", "Security baseline of Azure Functions"])(
  "of %s every row",
  (heading) => {
    test("has three cells, and a proof or a gap in the last", () => {
      const rows = rowsOf(heading);
      expect(rows.length).toBeGreaterThanOrEqual(10);
      for (const row of rows) {
        expect(row).toHaveLength(3);
        expect(row[2]).toMatch(/`test\/[^`]+` "|Gap: /);
      }
    });
  },
);

test("every threat says what is done about it, and what remains", () => {
  const threats = rowsOf("Threats");
  expect(threats.length).toBeGreaterThanOrEqual(15);
  for (const cells of threats) {
    expect(cells).toHaveLength(4);
    for (const cell of cells) expect(cell.length).toBeGreaterThan(5);
  }
});
