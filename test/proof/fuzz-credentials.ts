/** Callers of every kind: who may write, who may read, and everybody who may not, by the token or by how it is sent. */

import { badCallerTokens } from "../../local/stand-ins/bad-caller-tokens.ts";
import type { Product } from "../harness/product.ts";
import type { Credential } from "./fuzz-requests.ts";

export async function credentialsOf(product: Product): Promise<readonly Credential[]> {
  const earlier = Math.floor(Date.now() / 1000) - 60;
  const issue = (claims: object = {}) => product.token({ iat: earlier, nbf: earlier, ...claims });
  const token = await issue();
  const [header = "", payload = "", signature = ""] = token.split(".");
  const bearer = (name: string, may: Credential["may"], text: string, scheme = "Bearer "): Credential => ({
    name,
    may,
    headers: [["Authorization", `${scheme}${text}`]],
  });
  const asApplication = { idtyp: "app", scp: undefined, name: undefined, preferred_username: undefined };
  const unsigned = (alg: string) => `${Buffer.from(`{"alg":"${alg}","typ":"JWT"}`).toString("base64url")}.${payload}.`;
  const bad = await Promise.all(
    badCallerTokens(product.entra).map(async (one) => bearer(`a token ${one.name}`, "nothing", await one.issue())),
  );

  return [
    // The first one is taken most of the time.
    bearer("Admin Agent", "write", token),
    bearer("application that is Admin Agent", "write", await issue(asApplication)),
    bearer("Admin Agent by another name", "write", await issue({ name: `\u202e\u{1f642}${"n".repeat(300)}` })),
    bearer("Admin Agent whose token reads", "read", await issue({ scp: "Permissions.Read" })),
    bearer("Sales Agent", "read", await issue({ roles: ["SalesAgent"] })),
    bearer("Helpdesk Agent", "read", await issue({ roles: ["HelpdeskAgent", "Guest"] })),
    bearer("nobody", "nothing", await issue({ roles: [] })),
    bearer("roles in a text", "nothing", await issue({ roles: "AdminAgent" })),
    bearer("roles in an object", "nothing", await issue({ roles: { AdminAgent: true } })),
    bearer("roles in small letters", "nothing", await issue({ roles: ["adminagent"] })),
    bearer("another scope", "nothing", await issue({ scp: "User.Read Permissions.ReadWrite.All" })),
    bearer("oid that is none", "nothing", await issue({ oid: "../x" })),
    ...bad,
    { name: "no token", may: "nothing", headers: [] },
    bearer("scheme in small letters", "write", token, "bearer "),
    bearer("two blanks", "write", token, "Bearer  "),
    bearer("no scheme", "nothing", token, ""),
    bearer("no blank", "nothing", token, "Bearer"),
    bearer("another scheme", "nothing", token, "Basic "),
    bearer("two schemes", "nothing", token, "Bearer Bearer "),
    bearer("nothing but the scheme", "nothing", ""),
    bearer("null", "nothing", "null"),
    bearer("two dots", "nothing", ".."),
    bearer("no signature", "nothing", `${header}.${payload}.`),
    bearer("no signature and no dot", "nothing", `${header}.${payload}`),
    bearer("a fourth part", "nothing", `${token}.${signature}`),
    bearer("padding", "nothing", `${header}.${payload}.${signature}==`),
    bearer("ordinary base64", "nothing", Buffer.from(token).toString("base64")),
    bearer("percent encoding", "nothing", token.replaceAll(".", "%2E")),
    bearer("quotes", "nothing", `"${token}"`),
    bearer("blanks within", "nothing", token.replace(".", ". ")),
    bearer("a comma", "nothing", `${token},${token}`),
    bearer("UTF-16", "nothing", [...token].join("\u0080")),
    bearer("the signature of another", "nothing", `${header}.${payload}.${(await issue({ roles: [] })).split(".")[2]}`),
    bearer("half of the signature", "nothing", token.slice(0, -171)),
    ...["none", "None", "NONE", "HS256", ""].map((alg) => bearer(`alg "${alg}"`, "nothing", unsigned(alg))),
    bearer("no JSON", "nothing", "AAAA.AAAA.AAAA"),
    bearer(
      "a prototype",
      "nothing",
      `${Buffer.from('{"__proto__":{"alg":"RS256"}}').toString("base64url")}.${payload}.AA`,
    ),
    bearer("a long token", "nothing", `${header}.${"A".repeat(8_000)}.${signature}`),
    bearer("deep JSON", "nothing", `${header}.${Buffer.from("[".repeat(3_000)).toString("base64url")}.${signature}`),
    {
      name: "two tokens",
      may: "nothing",
      headers: [
        ["Authorization", `Bearer ${token}`],
        ["Authorization", `Bearer ${token}`],
      ],
    },
    {
      name: "a cookie",
      may: "nothing",
      headers: [["Cookie", `AppServiceAuthSession=${token}; access_token=${token}`]],
    },
    {
      name: "headers of Easy Auth",
      may: "nothing",
      headers: [
        [
          "X-MS-CLIENT-PRINCIPAL",
          Buffer.from('{"auth_typ":"aad","claims":[{"typ":"roles","val":"AdminAgent"}]}').toString("base64"),
        ],
        ["X-MS-CLIENT-PRINCIPAL-ID", "11111111-1111-4111-8111-111111111111"],
        ["X-MS-TOKEN-AAD-ACCESS-TOKEN", token],
      ],
    },
  ];
}
