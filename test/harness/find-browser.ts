/**
 * Which browser the tests of the page use: a Chrome or Chromium of this machine, or else one whose binary an npm package
 * brings, with the libraries that a bare Linux lacks. Looked for once, before the tests begin.
 */

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface FoundBrowser {
  readonly executablePath: string;
  /** Added to the environment of its process. */
  readonly environment: Readonly<Record<string, string>>;
}

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"];
const installed = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

/**
 * @param folder where a browser is unpacked if this machine has none; CHROME_PATH names another one
 * @throws Error when there is none for this machine either: the tests of the page are never left out
 */
export function findBrowser(folder: string, { PATH = "", CHROME_PATH = "" }: NodeJS.ProcessEnv): FoundBrowser {
  const onPath = PATH.split(delimiter).flatMap((place) => names.map((name) => join(place, name)));
  const found = [CHROME_PATH, ...onPath, ...installed].find((path) => path !== "" && existsSync(path));
  if (found !== undefined) return { executablePath: found, environment: {} };

  // It unpacks its libraries only where it takes this for AWS Lambda, and everything below the temporary folder.
  const script = 'console.log("path", await (await import("@sparticuz/chromium")).default.executablePath())';
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    env: { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs22.x" },
  });
  const executablePath = /^path (.+)$/m.exec(output)?.[1] ?? "";
  if (!existsSync(executablePath)) throw new Error(`There is no Chrome or Chromium here, nor on npm: ${output}`);
  return { executablePath, environment: { LD_LIBRARY_PATH: join(folder, "al2023", "lib") } };
}
