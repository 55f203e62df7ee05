/**
 * The operators' page as `npm run build` puts it into `dist/ui/`: script, style and the document that names them. All but
 * the document have a hash in their names, so a browser keeps them for good. Beside each file lie its compressed forms,
 * for nothing is compressed while somebody waits, and `files.json` lists what may be served (see UiManifest).
 */

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import type { UiManifest } from "../shared/adapters/ui-files.ts";
import { Sentence } from "./sentence.ts";

const outdir = "dist/ui";
const script = "ui/main.ts";
const style = "ui/page.css";
const page = "ui/index.html";
const mediaTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
};

export interface BuiltFile {
  /** Absolute. */
  readonly path: string;
  readonly contents: Uint8Array;
}

/** Bundles in memory. @returns in the order to write them in: what is named by others before who names it */
export async function bundleUi(folder: string): Promise<readonly BuiltFile[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [script, style],
    outdir,
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    format: "esm",
    platform: "browser",
    target: "es2022",
    bundle: true,
    splitting: true,
    minify: true,
    // As it is served; escapes would make Japanese twice as long.
    charset: "utf8",
    legalComments: "linked",
    metafile: true,
    write: false,
  });
  const document = await documentOf(folder, metafile);
  const at = (name: string) => join(folder, outdir, name);
  const hashed = outputFiles.map(({ path, contents }) => ({ path, contents }));
  const licences = { path: at("licences.txt"), contents: Buffer.from(await licencesOf(folder, metafile)) };
  const files = [...hashed, licences, { path: at(basename(page)), contents: Buffer.from(document) }];
  const manifest: UiManifest = Object.fromEntries(files.map((file) => [basename(file.path), entryOf(file)]));
  return [
    ...files.flatMap(withCompressed),
    { path: at("files.json"), contents: Buffer.from(JSON.stringify(manifest, null, 2)) },
  ];
}

/** The document, with the names that script and style have got, and a hint at what the script needs before it runs. */
async function documentOf(folder: string, { outputs }: Metafile): Promise<string> {
  const outputOf = (entry: string) =>
    Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? missing(entry);
  const main = outputOf(script);
  const needed = new Set<string>();
  const collect = (output: string) => {
    for (const { path, kind } of outputs[output]?.imports ?? []) {
      if (kind !== "import-statement" || needed.has(path)) continue;
      needed.add(path);
      collect(path);
    }
  };
  collect(main);
  const replacements: readonly [placeholder: string, text: string][] = [
    [`href="${basename(style)}"`, `href="${urlOf(outputOf(style))}"`],
    [`src="${basename(script)}"`, `src="${urlOf(main)}"`],
    ["<!-- modulepreload -->", [...needed].map((one) => `<link rel="modulepreload" href="${urlOf(one)}">`).join("")],
  ];
  const source = await readFile(join(folder, page), "utf8");
  return replacements.reduce((text, [placeholder, replacement]) => {
    if (text.split(placeholder).length !== 2) throw new Sentence(`${page} must have exactly one ${placeholder}.`);
    return text.replace(placeholder, () => replacement);
  }, source);
}

/** The packages that are in the bundle ask for their licences to go with them. */
async function licencesOf(folder: string, { inputs }: Metafile): Promise<string> {
  const places = Object.keys(inputs).flatMap(
    (input) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? [],
  );
  const licences = [...new Set(places)].sort().map(async (place) => {
    const { name, version, license } = JSON.parse(await readFile(join(folder, place, "package.json"), "utf8"));
    const files = await readdir(join(folder, place));
    const file = files.find((one) => /^licen[cs]e(\.(md|txt))?$/i.test(one));
    const text = file === undefined ? "" : (await readFile(join(folder, place, file), "utf8")).trim();
    return `${name} ${version}: ${license}\n\n${text}\n`;
  });
  return (await Promise.all(licences)).join("\n---\n\n");
}

function urlOf(output: string): string {
  return `/ui/${basename(output)}`;
}

function missing(entry: string): never {
  throw new Error(`There is no ${entry} for the page.`);
}

function entryOf({ path, contents }: BuiltFile): UiManifest[string] {
  const mediaType = mediaTypes[extname(path)];
  if (mediaType === undefined) throw new Error(`No media type is known for ${basename(path)}.`);
  const hash = createHash("sha256").update(contents).digest("hex").slice(0, 32);
  return { mediaType, hash, isImmutable: /-[A-Z0-9]{8}\./.test(basename(path)) };
}

function withCompressed({ path, contents }: BuiltFile): BuiltFile[] {
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  return [
    { path: `${path}.br`, contents: brotliCompressSync(contents, { params }) },
    { path: `${path}.gz`, contents: gzipSync(contents, { level: constants.Z_BEST_COMPRESSION }) },
    { path, contents },
  ];
}
