import { apiAudience, demoApplication, partnerTenantId } from "./demo-customers.ts";
import { type EntraOptions, type EntraStandIn, startEntra } from "./entra.ts";

/** Entra with the demo partner's tenant and applications, whoever its customers are. */
export function startDemoEntra(
  options: Omit<EntraOptions, "tenantId" | "audience" | "application">,
): Promise<EntraStandIn> {
  return startEntra({ ...options, tenantId: partnerTenantId, audience: apiAudience, application: demoApplication() });
}
