/**
 * `npm run token -- --role AdminAgent [--name ADA]`: prints an access token of the local issuer and nothing else. It needs
 * only the key in `.local/`, so it works whether or not `npm start` is running.
 */

import { parseArgs } from "node:util";
import { demoPorts, portFrom } from "./demo-settings.ts";
import { Sentence } from "./sentence.ts";
import { applicationClaims, type Issuer, signToken, userClaims } from "./stand-ins/caller-tokens.ts";
import { apiAudience, partnerTenantId } from "./stand-ins/demo-customers.ts";
import { isGuid } from "./stand-ins/guid.ts";
import { openSigningKeys } from "./stand-ins/signing-keys.ts";
import { state } from "./state.ts";

const knownRoles = ["AdminAgent", "SalesAgent", "HelpdeskAgent"];

const options = readOptions();
const keys = await openSigningKeys(state.issuer);
const issuer: Issuer = {
  key: keys.current,
  tenantId: options.tenant ?? partnerTenantId,
  audience: apiAudience,
  authority: `https://127.0.0.1:${demoPorts(options.port).entra}`,
};
const claims = options.app ? applicationClaims(issuer, options.name) : userClaims(issuer, options.name);
const token = await signToken(issuer, {
  ...claims,
  roles: options.roles,
  ...(options.objectId === undefined ? {} : { oid: options.objectId }),
  exp: Number(claims.iat) + options.expiresIn,
});
process.stdout.write(`${token}\n`);

function readOptions() {
  const { role, name, app, tenant, "object-id": objectId, "expires-in": expiresIn } = parse();
  const wrong = role?.find((one) => !knownRoles.includes(one));
  if (role === undefined) throw new Sentence(`Say which role the caller has: --role ${knownRoles.join(" | ")}.`);
  if (wrong !== undefined) throw new Sentence(`There is no role "${wrong}"; there are ${knownRoles.join(", ")}.`);
  if (tenant !== undefined && !isGuid(tenant)) throw new Sentence(`--tenant must be a GUID; it is "${tenant}".`);
  if (objectId !== undefined && !isGuid(objectId))
    throw new Sentence(`--object-id must be a GUID; it is "${objectId}".`);
  if (!/^-?\d+$/.test(expiresIn)) throw new Sentence(`--expires-in must be a number of seconds; it is "${expiresIn}".`);
  return { roles: role, name, app, tenant, objectId, expiresIn: Number(expiresIn), port: portFrom(process.env) };
}

function parse() {
  try {
    return parseArgs({
      options: {
        role: { type: "string", multiple: true },
        name: { type: "string" },
        app: { type: "boolean", default: false },
        tenant: { type: "string" },
        "object-id": { type: "string" },
        "expires-in": { type: "string", default: "3600" },
      },
    }).values;
  } catch (error) {
    // parseArgs says it in one sentence, more or less.
    throw new Sentence(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
