/**
 * What every benchmark runs against: one Azurite with an account for each app, the HTTPS stand-ins, customers who may
 * be switched On. Nothing stands between the apps and Azurite here: a proxy would cost both sides the same, and so
 * flatter the ratio.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Azurite, startAzurite } from "../local/azurite.ts";
import { demoEnvironment } from "../local/demo-settings.ts";
import { type ArmStandIn, startArm } from "../local/stand-ins/arm.ts";
import type { Customer } from "../local/stand-ins/customer.ts";
import { apiAudience, demoApplication, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { type EntraStandIn, startEntra } from "../local/stand-ins/entra.ts";
import { openCertificate, type ServerCertificate } from "../local/stand-ins/throw-away-ca.ts";
import { type AppUnderTest, startAppUnderTest } from "./app-under-test.ts";

export const accounts = ["product", "floor", "observed"] as const;
export type Account = (typeof accounts)[number];

export interface Rig {
  readonly folder: string;
  readonly azurite: Azurite;
  readonly entra: EntraStandIn;
  readonly arm: ArmStandIn;
  readonly certificate: ServerCertificate;
  /** Header of an Admin Agent. */
  readonly authorization: string;
  connectionStringOf(account: Account): string;
  /** The built app. What runs by itself is switched off, so that nothing but the request is measured. */
  startProduct(account: Account, settings?: Readonly<Record<string, string>>): Promise<AppUnderTest>;
  /** bench/floor-app. */
  startFloor(account: Account, templateFile: string): Promise<AppUnderTest>;
  close(): Promise<void>;
}

const background = ["RecordActivity", "SweepPendingActivities", "PurgeChanges"];

export async function startRig(customers: readonly Customer[]): Promise<Rig> {
  const cache = resolve(import.meta.dirname, "../node_modules/.cache");
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, "bench-"));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  try {
    const azurite = await startAzurite({ location: join(folder, "azurite"), accounts });
    closing.push(() => azurite.stop());
    const certificate = await openCertificate(join(folder, "certificates"));
    const entra = await startEntra({
      ...{ folder, certificate, customers },
      tenantId: partnerTenantId,
      audience: apiAudience,
      application: demoApplication(),
    });
    closing.push(() => entra.close());
    const arm = await startArm({ certificate, customers, entra });
    closing.push(() => arm.close());

    const environmentOf = (account: Account) =>
      demoEnvironment(
        { port: 0, entraUrl: entra.url, armUrl: arm.url, storage: azurite.connectionStringOf(account) },
        certificate.caFile,
      );
    const start = async (environment: Record<string, string>) => {
      const nodeArguments = (process.env.BENCH_NODE_ARGUMENTS ?? "").split(" ").filter((word) => word !== "");
      const app = await startAppUnderTest(environment, nodeArguments);
      closing.push(() => app.stop());
      return app;
    };
    return {
      ...{ folder, azurite, entra, arm, certificate, close },
      authorization: `Bearer ${await entra.issueCallerToken()}`,
      connectionStringOf: (account) => azurite.connectionStringOf(account),
      startProduct: (account, settings = {}) =>
        start({
          ...environmentOf(account),
          ...Object.fromEntries(background.map((name) => [`AzureWebJobs.${name}.Disabled`, "true"])),
          ...settings,
        }),
      startFloor: (account, templateFile) =>
        start({
          ...environmentOf(account),
          AzureWebJobsScriptRoot: join(import.meta.dirname, "floor-app"),
          FLOOR_TEMPLATE: templateFile,
          FLOOR_KEYS: `${entra.url}/${partnerTenantId}/discovery/v2.0/keys`,
        }),
    };
  } catch (error) {
    await close();
    throw error;
  }
}
