/**
 * `npm run partner-center:consent -- [--key-vault <url> | --out <file>] [--port 8484] [--timeout <seconds>]`: the first
 * consent of the Secure Application Model. An Admin Agent signs in with multi-factor authentication, and the refresh
 * token goes to where the app finds it. It is never printed.
 *
 * Settings are the app's own (environment or local.settings.json); of them only those of Partner Center are needed.
 */

import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { proofOf } from "../shared/adapters/entra-token-endpoint.ts";
import { createAsk, noFrom, type PartnerCenterOptions } from "../shared/adapters/partner-center-calls.ts";
import { probeMfa } from "../shared/adapters/partner-center-mfa.ts";
import { createRefreshTokenVault, refreshTokenSecret } from "../shared/adapters/refresh-token-vault.ts";
import { withinDeadline } from "../shared/adapters/within-deadline.ts";
import { type ConsentSettings, readConsentSettings, SettingsError } from "../shared/config.ts";
import { PartnerCenterRefusal, refusedByPartnerCenter } from "../shared/domain/partner-center-refusal.ts";
import { Refusal } from "../shared/domain/refusal.ts";
import { applyLocalSettings } from "./functions-host/settings.ts";
import { StartupFault } from "./functions-host/startup-fault.ts";
import { Sentence } from "./sentence.ts";
import { beginSignIn, redeemCode, type SignedIn } from "./sign-in.ts";
import { describeAnswer, describeRefusal } from "./sign-in-errors.ts";
import { listenForSignIn } from "./sign-in-listener.ts";
import { expectWritable, writeTokenFile } from "./token-file.ts";

/** Where the refresh token goes. */
interface Destination {
  readonly name: string;
  readonly next: string;
  write(token: string): Promise<void>;
}

/** Entra matches the redirect URI of a web application to the letter, so the port is always the same. */
const defaultPort = "8484";
const defaultTimeoutSeconds = "600";
/** The operator's own login may have to ask its command line tool for a token. */
const vaultMilliseconds = 30_000;

const stop = new AbortController();
const stopped = new Sentence("Stopped. Nothing was stored.");
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort(stopped));

try {
  await run();
} catch (error) {
  if (error !== stopped) throw error;
  process.stderr.write(`${stopped.message}\n`);
  // Whatever is still being asked is of no use any more.
  process.exit(130);
}

async function run(): Promise<void> {
  const options = readOptions();
  const settings = readSettings(options.keyVault);
  const destination = await destinationOf(settings, options.out);
  await expectCredential(settings);

  const listener = await listenForSignIn(options.port);
  let signedIn: SignedIn;
  try {
    signedIn = await signIn(settings, listener, destination, options.timeoutSeconds);
  } finally {
    listener.close();
  }
  say(`Signed in${signedIn.account === undefined ? "" : ` as ${signedIn.account}`}, of the partner's tenant.`);

  await expectAccepted(settings, signedIn);
  await destination.write(signedIn.refreshToken);
  say(`The refresh token is stored: ${destination.name}.\n${destination.next}`);
}

async function signIn(
  settings: ConsentSettings,
  { redirectUri, answer }: Awaited<ReturnType<typeof listenForSignIn>>,
  destination: Destination,
  timeoutSeconds: number,
): Promise<SignedIn> {
  const begun = beginSignIn(settings, redirectUri);
  say(introductionOf(settings, redirectUri, destination, timeoutSeconds, begun.authorizeUrl));
  let strangers = 0;
  const late = setTimeout(
    () => stop.abort(new Sentence(`Nobody signed in within ${timeoutSeconds} seconds. Nothing was stored.`)),
    timeoutSeconds * 1000,
  );
  try {
    const arrived = await withinDeadline(
      answer(begun.state, () => {
        strangers += 1;
        if (strangers === 1) say("An answer that does not belong to this sign-in was turned away. Still waiting.");
      }),
      stop.signal,
    );
    clearTimeout(late);
    const about = { ...settings, redirectUri };
    if ("error" in arrived) throw new Sentence(`${describeAnswer(arrived, about)} Nothing was stored.`);
    return await withinDeadline(redeemCode(settings, begun, arrived.code, stop.signal), stop.signal).catch(
      (error: unknown) => {
        if (error instanceof PartnerCenterRefusal)
          throw new Sentence(`${describeRefusal(error, about)} Nothing was stored.`, { cause: error });
        if (error instanceof Sentence) throw error;
        throw new Sentence("Microsoft Entra does not answer as it should. Nothing was stored; run this again later.", {
          cause: error,
        });
      },
    );
  } finally {
    clearTimeout(late);
  }
}

/** A token that Partner Center refuses is not worth keeping: without a second factor, or of somebody without a role. */
async function expectAccepted({ application }: ConsentSettings, { accessToken }: SignedIn): Promise<void> {
  const tokens = { get: async () => accessToken, forget: () => undefined };
  const isMfaCompliant = await withinDeadline(
    askPartnerCenter({ endpoint: application.endpoint, tokens }),
    stop.signal,
  ).catch((error: unknown) => {
    if (error instanceof PartnerCenterRefusal) {
      const { message } = refusedByPartnerCenter(error.reason, error.message, error.partnerCenterCode);
      throw new Sentence(`${message} Nothing was stored.`, { cause: error });
    }
    if (error instanceof Refusal)
      throw new Sentence(`${error.message} Nothing was stored; run this again later.`, { cause: error });
    throw error;
  });
  if (isMfaCompliant === false)
    throw new Sentence(
      "Partner Center says that this sign-in had no multi-factor authentication, and will refuse it. Nothing was stored. Set MFA up for the account, sign out in the browser, and run this again.",
    );
  const counts = isMfaCompliant
    ? ", and counts its multi-factor authentication."
    : ". It did not say whether multi-factor authentication counts.";
  say(`Partner Center accepts the account${counts} Only a switch will show whether it is an Admin Agent.`);
}

/** @returns whether MFA counts. The answer to that says nothing of roles: it comes along with a refusal, too. */
async function askPartnerCenter(options: PartnerCenterOptions): Promise<boolean | undefined> {
  const isMfaCompliant = await probeMfa(options);
  if (isMfaCompliant === false) return false;
  const call = { requestId: randomUUID(), correlationId: randomUUID() };
  const answer = await createAsk(options)({ method: "GET", path: "/v1/customers?size=1" }, call);
  if (answer.status !== 200) throw noFrom(answer);
  return isMfaCompliant;
}

/** A certificate that cannot be used is told before anybody signs in. */
async function expectCredential({ authorityHost, application }: ConsentSettings): Promise<void> {
  try {
    await proofOf(application.credential, application.clientId, authorityHost);
  } catch (cause) {
    if (cause instanceof PartnerCenterRefusal) throw new Sentence(cause.message, { cause });
    throw cause;
  }
}

function introductionOf(
  { authorityHost, application }: ConsentSettings,
  redirectUri: string,
  destination: Destination,
  timeoutSeconds: number,
  authorizeUrl: string,
): string {
  const { clientId, tenantId, endpoint, credential } = application;
  return `First consent for Partner Center (Secure Application Model)

  Application      ${clientId}, with its ${"clientSecret" in credential ? "secret" : "certificate"}
  Partner tenant   ${tenantId} at ${authorityHost}
  Partner Center   ${endpoint}
  Refresh token    goes to ${destination.name}

Before:
  - The application has this redirect URI (platform Web), exactly: ${redirectUri}
    If the browser shows AADSTS50011, it has not.
  - It has the delegated permission "Microsoft Partner Center", user_impersonation.

Sign in with the account that this service shall act as in Partner Center: an Admin Agent, with multi-factor
authentication. Open this address in a browser on this machine:

${authorizeUrl}

Waiting for ${timeoutSeconds} seconds. Ctrl-C stops; nothing is stored before the end.`;
}

async function destinationOf({ keyVaultUrl }: ConsentSettings, out: string | undefined): Promise<Destination> {
  if (out !== undefined) {
    await expectWritable(out);
    return {
      name: `file ${out}`,
      next: "It opens Partner Center as that account: put it into PARTNER_CENTER_REFRESH_TOKEN, then delete the file.",
      write: (token) => writeTokenFile(out, token),
    };
  }
  if (keyVaultUrl === undefined)
    throw new Sentence(
      "Say where the refresh token shall go: --key-vault <url> (or PARTNER_CENTER_KEY_VAULT_URL), or --out <file>.",
    );
  const vault = createRefreshTokenVault({ keyVaultUrl, limits: { callMilliseconds: vaultMilliseconds } });
  return {
    name: `secret ${refreshTokenSecret} in ${keyVaultUrl}`,
    next: `The app finds it there with PARTNER_CENTER_KEY_VAULT_URL=${keyVaultUrl}`,
    async write(token) {
      await vault.write(token).catch((cause: unknown) => {
        throw new Sentence(
          `The key vault ${keyVaultUrl} has not confirmed that it keeps the refresh token (${reasonOf(cause)}). The account that runs this, such as the one of az login, needs the role Key Vault Secrets Officer there; then run this again.`,
          { cause },
        );
      });
    },
  };
}

/** The adapter's cause holds status and code, never the secret. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error ? cause.message : String(error);
}

function readSettings(keyVault: string | undefined): ConsentSettings {
  try {
    applyLocalSettings(process.cwd());
    return readConsentSettings(
      keyVault === undefined ? process.env : { ...process.env, PARTNER_CENTER_KEY_VAULT_URL: keyVault },
    );
  } catch (cause) {
    if (cause instanceof SettingsError || cause instanceof StartupFault) throw new Sentence(cause.message, { cause });
    throw cause;
  }
}

function readOptions() {
  const { port, timeout, out, "key-vault": keyVault } = parse();
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new Sentence(`--port must be a number up to 65535; it is "${port}".`);
  if (!/^\d{1,5}$/.test(timeout) || Number(timeout) < 1)
    throw new Sentence(`--timeout must be a number of seconds; it is "${timeout}".`);
  if (out !== undefined && keyVault !== undefined) throw new Sentence("Give --key-vault or --out, not both.");
  return { port: Number(port), timeoutSeconds: Number(timeout), out, keyVault };
}

function parse() {
  try {
    return parseArgs({
      options: {
        port: { type: "string", default: defaultPort },
        timeout: { type: "string", default: defaultTimeoutSeconds },
        out: { type: "string" },
        "key-vault": { type: "string" },
      },
    }).values;
  } catch (error) {
    // parseArgs says it in one sentence, more or less.
    throw new Sentence(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n\n`);
}
