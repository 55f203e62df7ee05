/** How the operators' page comes to a browser: every file in every form, what a browser lets it do, and nothing else. */

import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { apiAudience, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { type Product, startProduct } from "./harness/product.ts";

type Entry = { readonly mediaType: string; readonly isImmutable: boolean };

const manifest: Record<string, Entry> = JSON.parse(readFileSync("dist/ui/files.json", "utf8"));
const names = Object.keys(manifest);
const script = names.find((name) => /^main-[A-Z\d]{8}\.js$/.test(name)) ?? "";
const page = readFileSync("dist/ui/index.html", "utf8");
const authority = "http://127.0.0.1:7079";

let product: Product;
beforeAll(async () => {
  product = await startProduct({ settings: { BROWSER_AUTHORITY_HOST: authority } });
});
afterAll(() => product?.stop());

interface Sent {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
}

/** As it is on the wire: fetch would decompress, and tidy up the path. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Sent> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(product.url);
    request({ hostname, port, path, headers, method }, (response) => {
      buffer(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        reject,
      );
    })
      .on("error", reject)
      .end();
  });
}

describe("every file of the page", () => {
  const forms = [
    ["br", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["gzip, deflate, br, zstd", "br", brotliDecompressSync],
    ["br;q=0, GZip;q=0.5", "gzip", gunzipSync],
    ["*", undefined, (body: Buffer) => body],
    ["br; q=0.0, identity", undefined, (body: Buffer) => body],
    ["", undefined, (body: Buffer) => body],
  ] as const;

  test.each(names)("%s is served in the form that is asked for, to GET and HEAD", async (name) => {
    const { mediaType, isImmutable } = manifest[name]!;
    const etags = new Set<unknown>();
    for (const [accepted, coding, decode] of forms) {
      const headers: Record<string, string> = accepted === "" ? {} : { "accept-encoding": accepted };
      const { status, headers: found, body } = await ask(`/ui/${name}`, headers);
      expect([status, decode(body)]).toEqual([200, readFileSync(`dist/ui/${name}`)]);
      expect(found).toMatchObject({
        "content-type": mediaType,
        vary: "accept-encoding",
        "cache-control": isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
      });
      expect(found["content-encoding"]).toBe(coding);
      etags.add(found.etag);

      const head = await ask(`/ui/${name}`, headers, "HEAD");
      const { date: _, ...same } = found;
      expect(head).toEqual({ status: 200, headers: expect.objectContaining(same), body: Buffer.alloc(0) });

      const again = await ask(`/ui/${name}`, { ...headers, "if-none-match": `"x", W/${found.etag}` });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, found.etag]);
      expect(again.headers).toMatchObject({ vary: "accept-encoding", "cache-control": found["cache-control"] });
    }
    expect(etags.size).toBe(3);
  });

  test("is the whole of what is built, and all but the document have a hash in their names", () => {
    const built = readdirSync("dist/ui").filter((name) => !/\.(br|gz)$/.test(name) && name !== "files.json");
    expect(names.toSorted()).toEqual(built.toSorted());
    const plain = names.filter((name) => !/-[A-Z\d]{8}\.(js|css)(\.LEGAL\.txt)?$/.test(name));
    expect(plain.toSorted()).toEqual(["index.html", "licences.txt"]);
    expect(plain.filter((name) => manifest[name]?.isImmutable)).toEqual([]);
  });

  test("that the document names is there, and its text holds neither script nor style of its own", () => {
    const named = [...page.matchAll(/(?:src|href)="\/ui\/([^"]*)"/g)].map(([, name = ""]) => name);
    expect(named).toContain(script);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
    for (const [, attributes, text] of page.matchAll(/<script([^>]*)>([^<]*)</gi)) {
      expect([/ src="\/ui\//.test(attributes ?? ""), text]).toEqual([true, ""]);
    }
  });
});

test("the page is at /ui/ and /ui, with whatever query Entra adds, and / leads there", async () => {
  for (const path of ["/ui/", "/ui", "/ui/index.html", "/ui/?code=abc&state=x&session_state=y"]) {
    const { status, body } = await ask(path);
    expect({ path, status, body: body.toString() }).toEqual({ path, status: 200, body: page });
  }
  for (const method of ["GET", "HEAD"]) {
    expect(await ask("/", {}, method)).toMatchObject({ status: 302, headers: { location: "/ui/" } });
  }
});

test("a browser lets the page run its own scripts, call the API and Entra, and nothing else, whatever is answered", async () => {
  const etag = (await ask("/ui/")).headers.etag as string;
  const answers = [
    await ask("/ui/"),
    await ask("/ui/", { "if-none-match": etag }),
    await ask(`/ui/${script}`),
    await ask("/ui/config.json"),
    await ask("/ui/nothing.js"),
    await ask("/ui/", { "if-none-match": "nonsense" }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 304, 200, 200, 404, 400]);
  for (const { headers } of answers) {
    expect(headers).toMatchObject({
      "content-security-policy": `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ${authority}; img-src 'self' data:; font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types fast-html`,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
      "permissions-policy": expect.stringMatching(/^[a-z-]+=\(\)(, [a-z-]+=\(\)){19,}$/),
    });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  }
});

describe("nothing else is served:", () => {
  test.each([
    ...["nothing.js", "files.json", `${script}.br`, `${script}.gz`, `${script}.map`, "main.ts", "INDEX.HTML", "index"],
    ...["..%2ffunctions%2fmain.js", "..%2f..%2fhost.json", "..%5c..%5chost.json", "%2e%2e%2ffiles.json"],
    ...["..%252ffunctions%252fmain.js", ".%2findex.html", "%2fetc%2fpasswd", "file:%2f%2f%2fetc%2fpasswd"],
    ...["__proto__", "constructor", "toString", "index.html%20", "%20", "%ff", "ui/index.html", "index.html%3fx"],
    "a".repeat(4_000),
  ])("%s", async (path) => {
    const { status, headers, body } = await ask(`/ui/${path}`);
    expect(status).toBe(404);
    expect(headers["cache-control"]).toBe("no-store");
    expect(body.length).toBeLessThan(120);
    expect(JSON.parse(body.toString()).error.code).toBe("NotFound");
  });

  test.each(["/ui/../host.json", "/ui/../dist/ui/index.html", "/ui/%2e%2e/host.json", "/index.html", "/dist/ui/x"])(
    "%s",
    async (path) => expect(await ask(path)).toMatchObject({ status: 404, body: Buffer.alloc(0) }),
  );

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])("with %s", async (method) => {
    for (const path of ["/ui/", "/ui/config.json", "/"]) expect((await ask(path, {}, method)).status).toBe(404);
  });
});

test("the page is told where and for what its users sign in", async () => {
  const { status, headers, body } = await ask("/ui/config.json");
  expect([status, headers["cache-control"], headers.etag]).toEqual([200, "no-store", undefined]);
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(JSON.parse(body.toString())).toEqual({
    tenants: [partnerTenantId],
    clientId: apiAudience,
    authority,
    scope: `${apiAudience}/Permissions.ReadWrite`,
  });
  const head = await ask("/ui/config.json", {}, "HEAD");
  expect([head.status, head.headers["content-length"], head.body.length]).toEqual([200, String(body.length), 0]);
});

describe("the first view", () => {
  const mostKilobytes = 60;

  /** What a script imports before it runs. Dynamic imports have a bracket. */
  function importsOf(name: string): string[] {
    const text = readFileSync(`dist/ui/${name}`, "utf8");
    return [...text.matchAll(/\b(?:import|from)\s*"\.\/([^"]+\.js)"/g)].map(([, imported = ""]) => imported);
  }

  const needed = new Set([script]);
  for (const name of needed) for (const imported of importsOf(name)) needed.add(imported);

  test("is told of every script that it needs at once", () => {
    const hinted = [...page.matchAll(/<link rel="modulepreload" href="\/ui\/([^"]+)">/g)].map(([, name]) => name);
    expect(hinted.toSorted()).toEqual([...needed].filter((name) => name !== script).toSorted());
  });

  test(`loads at most ${mostKilobytes} KB of compressed script`, () => {
    const bytes = [...needed].map((name) => gzipSync(readFileSync(`dist/ui/${name}`)).length);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(mostKilobytes * 1000);
  });
});
