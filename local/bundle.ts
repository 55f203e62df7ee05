/**
 * How an app for the Functions worker is bundled: ES modules of which each `await import()` is a file of its own, so
 * that a start reads few files and only what it needs. The benchmark of cold starts bundles its floor the same way.
 */

import { type BuildOptions, type BuildResult, build, type Plugin } from "esbuild";

/** Found in node_modules when the app runs: 2,000 modules that meet through a global registry and hooks on `require`. */
export const packageBesideBundle = "applicationinsights";

/** All other packages are in the bundle. The first exists only inside the worker, which answers `require` with it. */
const external = ["@azure/functions-core", packageBesideBundle];

/** The CommonJS packages in the bundle ask for Node's modules, and `@azure/functions` for its worker, by `require`. */
const requireForCommonJs =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

/**
 * Whatever SDK is loaded, that of the tables is there before: no function works without. Said to the bundler, it puts
 * what they share into one file with it; otherwise there is a file for every set of SDKs that share something.
 */
const tablesFirst: Plugin = {
  name: "tables-first",
  setup({ onResolve, onLoad, resolve }) {
    const tables = "@azure/data-tables";
    const namespace = "after-tables";
    onResolve({ filter: /^@azure\// }, ({ kind, path, resolveDir }) =>
      kind === "dynamic-import" ? { path, namespace, pluginData: { resolveDir } } : undefined,
    );
    onLoad({ filter: /.*/, namespace }, ({ path, pluginData: { resolveDir } }) => ({
      contents: `import "${tables}"; export * from "${path}";`,
      resolveDir,
    }));
    onResolve({ filter: /.*/, namespace }, async ({ kind, path, resolveDir, pluginData }) => {
      if (pluginData === "resolving") return undefined;
      // It has no side effects, and would be left out where nothing of it is used.
      return { ...(await resolve(path, { kind, resolveDir, pluginData: "resolving" })), sideEffects: true };
    });
  },
};

export type Bundle = BuildResult<{ write: false; metafile: true }>;

/** Bundles in memory. `entry` and the names of the outputs are relative to `folder`. */
export function bundle(folder: string, entry: string, options: BuildOptions = {}): Promise<Bundle> {
  return build({
    absWorkingDir: folder,
    entryPoints: { "functions/main": entry },
    outdir: "dist",
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    platform: "node",
    target: "node22",
    bundle: true,
    splitting: true,
    external,
    plugins: [tablesFirst],
    // Older SDKs have ES modules, too, but say so here only; in CommonJS they would bring a second @azure/core-client.
    mainFields: ["module", "main"],
    banner: { js: requireForCommonJs },
    // Names are kept, so that a stack trace from Azure can be read without the maps, which are not deployed.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "linked",
    ...options,
    metafile: true,
    write: false,
  });
}
