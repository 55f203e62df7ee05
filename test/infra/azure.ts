/** What Azure would say while infra/ is deployed: addresses of what was made, and Bicep's functions. */

import { subnetOf } from "./addresses.ts";
import type { BicepFile } from "./bicep.ts";
import type { Azure } from "./evaluate.ts";

export const identityClientId = "33333333-3333-4333-8333-333333333333";

export function createAzure(files: readonly BicepFile[]): Azure {
  return {
    files,
    properties: {
      "Microsoft.ManagedIdentity/userAssignedIdentities": () => ({
        clientId: identityClientId,
        principalId: "principal",
      }),
      "Microsoft.Insights/components": () => ({
        ConnectionString:
          "InstrumentationKey=x;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
      }),
      "Microsoft.KeyVault/vaults": (name) => ({ vaultUri: `https://${name}.vault.azure.net/` }),
      "Microsoft.Storage/storageAccounts": (name) => ({
        primaryEndpoints: Object.fromEntries(
          ["blob", "queue", "table"].map((service) => [service, `https://${name}.${service}.core.windows.net/`]),
        ),
      }),
    },
    functions: {
      cidrSubnet: (range, prefix, number) => subnetOf(String(range), Number(prefix), Number(number)),
      empty: (value) => value === "" || value === null,
      environment: () => ({
        authentication: { loginEndpoint: "https://login.microsoftonline.com/" },
        resourceManager: "https://management.azure.com/",
        suffixes: { storage: "core.windows.net", keyvaultDns: ".vault.azure.net" },
      }),
      guid: (...parts) => parts.join("|"),
      replace: (text, from, to) => String(text).replaceAll(String(from), String(to)),
      string: (value) => (typeof value === "boolean" ? (value ? "True" : "False") : String(value)),
      subscription: () => ({ id: "/subscriptions/x" }),
      subscriptionResourceId: (...parts) => parts.join("/"),
      tenant: () => ({ tenantId: "44444444-4444-4444-8444-444444444444" }),
      union: (...objects) => Object.assign({}, ...objects),
      uniqueString: () => "abcdefghijklm",
    },
  };
}
