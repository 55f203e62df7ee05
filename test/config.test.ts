/** Settings: what they become, and that an app with wrong ones does not start but names every fault and no secret. */

import { execFile } from "node:child_process";
import { describe, expect, test } from "@jest/globals";
import { demoSettings } from "../local/demo-settings.ts";
import { marksOfAzure, readConsentSettings, readSettings, runsInAzure, type Settings } from "../shared/config.ts";

type Environment = Record<string, string | undefined>;

const tenant = "11111111-1111-4111-8111-111111111111";
const otherTenant = "2222222a-2222-4222-8222-22222222222b";
const least: Environment = {
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
  ENTRA_TENANT_ID: tenant,
  ENTRA_AUDIENCE: "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
};

/** The least that is right in Azure: storage over https, and not on this machine. */
const inAzure: Environment = {
  AzureWebJobsStorage: undefined,
  AzureWebJobsStorage__accountName: "own",
  WEBSITE_INSTANCE_ID: "0123abcd",
};

const read = (more: Environment = {}): Settings => readSettings({ ...least, ...more });

/** @returns the faults, one a line, without the first line that only says that there are some */
function faultsOf(more: Environment): string[] {
  try {
    read(more);
  } catch (error) {
    return (error as Error).message.split("\n").slice(1);
  }
  return [];
}

function expectOneFault(more: Environment, name: string): void {
  const faults = faultsOf(more);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(name);
  const own = faults[0]?.replace(/such as .*/, "");
  for (const value of Object.values(more)) {
    if (value !== undefined && value.length > 8) expect(own).not.toContain(value);
  }
}

describe("the settings that must be there are enough", () => {
  test("and the others have the values of the contract", () => {
    expect(read()).toEqual({
      storage: {
        connectionName: "AzureWebJobsStorage",
        connection: { connectionString: "UseDevelopmentStorage=true" },
      },
      callers: {
        tenantIds: new Set([tenant]),
        audience: least.ENTRA_AUDIENCE,
        authorityHost: "https://login.microsoftonline.com",
        isLoopback: false,
        browserAuthorityHost: "https://login.microsoftonline.com",
      },
      azureResourceManager: { endpoint: "https://management.azure.com" },
      customerApp: { azureCli: true },
      eligibility: {
        cspQuotaIds: new Set(["csp_2015-05-01", "csp_mg_2017-12-01", "cspdevtest_2018-05-01"]),
        acceptedRoleIds: new Set(["8e3af657-a8ff-443c-a75c-2fe8c4bcb635"]),
        excludedPrincipalIds: new Set(),
        timeoutSeconds: 20,
      },
      drift: { action: "report", intervalMinutes: 360, callsPerRun: 100 },
      webhooks: { hosts: [] },
      requireFunctionKey: false,
      applicationInsights: undefined,
    });
  });

  test.each([
    "AZURE_AUTHORITY_HOST",
    "BROWSER_AUTHORITY_HOST",
    "AZURE_RESOURCE_MANAGER_ENDPOINT",
    "CUSTOMER_APP_CLIENT_ID",
    "CUSTOMER_APP_CLIENT_SECRET",
    "CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID",
    "CSP_QUOTA_IDS",
    "ACCEPTED_ROLE_IDS",
    "EXCLUDED_PRINCIPAL_IDS",
    "ELIGIBILITY_TIMEOUT_SECONDS",
    "REQUIRE_FUNCTION_KEY",
    "PARTNER_CENTER_MODE",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "PERMISSIONS_STORAGE",
    "WEBSITE_INSTANCE_ID",
  ])("an empty %s is as good as none", (name) => {
    expect(read({ [name]: "" })).toEqual(read());
    expect(read({ [name]: "  " })).toEqual(read());
  });

  test.each(["AzureWebJobsStorage", "ENTRA_TENANT_ID", "ENTRA_AUDIENCE"])("without %s it says so", (name) => {
    for (const value of [undefined, "", " "]) expectOneFault({ [name]: value }, name);
  });
});

describe("every setting is read", () => {
  test("callers", () => {
    expect(read({ ENTRA_TENANT_ID: ` ${tenant} , ${otherTenant.toUpperCase()},` }).callers.tenantIds).toEqual(
      new Set([tenant, otherTenant]),
    );
    for (const wrong of [
      "contoso.onmicrosoft.com",
      "common",
      `${tenant};${otherTenant}`,
      `${tenant},x`,
      ",",
      `{${tenant}}`,
    ]) {
      expectOneFault({ ENTRA_TENANT_ID: wrong }, "ENTRA_TENANT_ID");
    }
    expectOneFault({ ENTRA_AUDIENCE: "api://purchase-permissions" }, "ENTRA_AUDIENCE");
  });

  test("the function key", () => {
    expect(
      ["true", "TRUE", " True ", "false", "False"].map((text) => read({ REQUIRE_FUNCTION_KEY: text })),
    ).toMatchObject([true, true, true, false, false].map((requireFunctionKey) => ({ requireFunctionKey })));
    for (const wrong of ["yes", "1", "on", "truee"])
      expectOneFault({ REQUIRE_FUNCTION_KEY: wrong }, "REQUIRE_FUNCTION_KEY");
  });

  test("the eligibility check", () => {
    const { eligibility } = read({
      CSP_QUOTA_IDS: "CSP_2015-05-01, Other_2030-01-01",
      ACCEPTED_ROLE_IDS: `${tenant},${otherTenant.toUpperCase()}`,
      EXCLUDED_PRINCIPAL_IDS: otherTenant,
      ELIGIBILITY_TIMEOUT_SECONDS: " 7 ",
    });
    expect(eligibility).toEqual({
      cspQuotaIds: new Set(["csp_2015-05-01", "other_2030-01-01"]),
      acceptedRoleIds: new Set([tenant, otherTenant]),
      excludedPrincipalIds: new Set([otherTenant]),
      timeoutSeconds: 7,
    });
    for (const name of ["ACCEPTED_ROLE_IDS", "EXCLUDED_PRINCIPAL_IDS"]) {
      for (const wrong of ["Owner", ",", `${tenant} ${otherTenant}`]) expectOneFault({ [name]: wrong }, name);
    }
  });

  test("what is done about drift: reported, or turned Off, and nothing else", () => {
    expect(read({ DRIFT_ACTION: "report" }).drift.action).toBe("report");
    expect(read({ DRIFT_ACTION: " turnOff " }).drift.action).toBe("turnOff");
    for (const wrong of ["turnOn", "turnoff", "true", "revert"])
      expectOneFault({ DRIFT_ACTION: wrong }, "DRIFT_ACTION");
  });

  test("the hosts of callback URLs: names, and this machine in development only", () => {
    const hosts = "Hooks.Example.com, *.partner.example,localhost,127.0.0.1,[::1]";
    expect(read({ WEBHOOK_HOSTS: hosts }).webhooks.hosts).toEqual(hosts.toLowerCase().split(/, ?/));
    for (const wrong of [
      "*",
      "*.com",
      "com",
      "https://x.example",
      "x.example:8443",
      "x.example/",
      "10.0.0.1",
      "a.*.example",
    ])
      expectOneFault({ WEBHOOK_HOSTS: `hooks.example.com,${wrong}` }, "WEBHOOK_HOSTS");
  });

  test.each([
    ["DRIFT_INTERVAL_MINUTES", "intervalMinutes", 0, 10_080],
    ["DRIFT_CALLS_PER_RUN", "callsPerRun", 1, 10_000],
  ] as const)("%s, from its least to its limit", (name, member, least, most) => {
    for (const number of [least, most]) expect(read({ [name]: String(number) }).drift[member]).toBe(number);
    for (const wrong of [String(least - 1), String(most + 1), "1.5", "often"]) expectOneFault({ [name]: wrong }, name);
  });

  test("its deadline, from 1 to 120 seconds", () => {
    for (const seconds of [1, 120]) {
      expect(read({ ELIGIBILITY_TIMEOUT_SECONDS: String(seconds) }).eligibility.timeoutSeconds).toBe(seconds);
    }
    for (const wrong of ["0", "121", "-1", "1.5", "20s", "NaN", "Infinity", "1,5"]) {
      expectOneFault({ ELIGIBILITY_TIMEOUT_SECONDS: wrong }, "ELIGIBILITY_TIMEOUT_SECONDS");
    }
  });

  test("storage by connection string, the product's own before the host's", () => {
    const own = "DefaultEndpointsProtocol=https;AccountName=own;AccountKey=a2V5;EndpointSuffix=core.windows.net";
    expect(read({ PERMISSIONS_STORAGE: own }).storage).toEqual({
      connectionName: "PERMISSIONS_STORAGE",
      connection: { connectionString: own },
    });
    expectOneFault({ PERMISSIONS_STORAGE: "https://own.table.core.windows.net" }, "PERMISSIONS_STORAGE");
  });

  test("storage by identity", () => {
    const table = "https://own.table.core.windows.net";
    const queue = "https://own.queue.core.windows.net";
    const uris = { PERMISSIONS_STORAGE__tableServiceUri: table, PERMISSIONS_STORAGE__queueServiceUri: queue };
    const identity = { PERMISSIONS_STORAGE__credential: "managedidentity", PERMISSIONS_STORAGE__clientId: tenant };
    const connection = { tableServiceUri: table, queueServiceUri: queue };
    expect(read({ ...uris, ...identity }).storage).toEqual({
      connectionName: "PERMISSIONS_STORAGE",
      connection: { ...connection, managedIdentityClientId: tenant },
    });
    expect(read(uris).storage.connection).toEqual(connection);
    const hosts = { AzureWebJobsStorage: undefined, AzureWebJobsStorage__accountName: "own" };
    expect(read(hosts).storage).toEqual({ connectionName: "AzureWebJobsStorage", connection });
    for (const name of Object.keys(uris)) {
      expectOneFault({ ...uris, [name]: undefined }, "__queueServiceUri");
      expectOneFault({ ...uris, [name]: table.replace("https", "http") }, "https");
    }
  });

  test("the customer application, by identity, by secret or neither", () => {
    const id = { CUSTOMER_APP_CLIENT_ID: tenant };
    const secret = { CUSTOMER_APP_CLIENT_SECRET: "s3cret~with=signs" };
    const identity = { CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID: otherTenant };
    expect(read({ ...id, ...secret }).customerApp).toEqual({ clientId: tenant, clientSecret: "s3cret~with=signs" });
    expect(read({ ...id, ...identity }).customerApp).toEqual({
      clientId: tenant,
      managedIdentityClientId: otherTenant,
    });
    expect(read(id).customerApp).toEqual({ azureCli: true });
    expectOneFault(secret, "CUSTOMER_APP_CLIENT_ID");
    expectOneFault(identity, "CUSTOMER_APP_CLIENT_ID");
    expectOneFault({ ...id, ...secret, ...identity }, "exclude each other");
  });

  test("telemetry", () => {
    const connectionString =
      "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://x.example/";
    expect(read({ APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString }).applicationInsights).toMatchObject({
      connectionString,
    });
  });

  test("the mode of Partner Center, of which there are three", () => {
    expect(faultsOf({ PARTNER_CENTER_MODE: "off" })).toEqual([]);
    for (const wrong of ["on", "OFF!", "true"]) expectOneFault({ PARTNER_CENTER_MODE: wrong }, "PARTNER_CENTER_MODE");
  });
});

describe("where an operator moves the switches in Partner Center", () => {
  const manual: Environment = {
    PARTNER_CENTER_MODE: "manual",
    PARTNER_CENTER_CLIENT_ID: otherTenant,
    PARTNER_CENTER_CLIENT_SECRET: "s3cret",
  };
  const refreshToken = { PARTNER_CENTER_REFRESH_TOKEN: "0.AAAA" };
  const vault = { PARTNER_CENTER_KEY_VAULT_URL: "https://contoso.vault.azure.net" };

  test("the application may call alone, and the operator has a day", () => {
    expect(read(manual).partnerCenter).toEqual({
      endpoint: "https://api.partnercenter.microsoft.com",
      ...{ tenantId: tenant, clientId: otherTenant, credential: { clientSecret: "s3cret" } },
      manualHours: 24,
    });
  });

  test("an Admin Agent's account may stand behind it", () => {
    expect(read({ ...manual, ...refreshToken }).partnerCenter?.refreshToken).toEqual({ setting: "0.AAAA" });
    expect(read({ ...manual, ...vault }).partnerCenter?.refreshToken).toEqual({
      keyVaultUrl: "https://contoso.vault.azure.net",
    });
    expectOneFault({ ...manual, ...refreshToken, ...vault }, "At most one of PARTNER_CENTER_REFRESH_TOKEN");
  });

  test("everything else is asked for as in live mode, where an account must stand behind it", () => {
    const live = { ...manual, PARTNER_CENTER_MODE: "live" };
    expect(read({ ...live, ...refreshToken }).partnerCenter).not.toHaveProperty("manualHours");
    for (const account of [{}, { ...refreshToken, ...vault }]) {
      expectOneFault({ ...live, ...account }, "Exactly one of PARTNER_CENTER_REFRESH_TOKEN");
    }
    for (const settings of [manual, { ...live, ...refreshToken }]) {
      expectOneFault({ ...settings, PARTNER_CENTER_CLIENT_ID: undefined }, "PARTNER_CENTER_CLIENT_ID");
      expectOneFault({ ...settings, PARTNER_CENTER_CLIENT_SECRET: undefined }, "PARTNER_CENTER_CLIENT_SECRET");
      expectOneFault({ ...settings, ENTRA_TENANT_ID: `${tenant},${otherTenant}` }, "PARTNER_CENTER_TENANT_ID");
      expectOneFault({ ...settings, PARTNER_CENTER_ENDPOINT: "https://elsewhere.example" }, "PARTNER_CENTER_ENDPOINT");
    }
  });

  test("the operator has from 1 hour to 30 days", () => {
    const hoursOf = (text: string) => read({ ...manual, PARTNER_CENTER_MANUAL_HOURS: text }).partnerCenter?.manualHours;
    expect(["1", " 720 ", ""].map(hoursOf)).toEqual([1, 720, 24]);
    for (const wrong of ["0", "721", "-1", "1.5", "24h", "NaN"]) {
      expectOneFault({ ...manual, PARTNER_CENTER_MANUAL_HOURS: wrong }, "PARTNER_CENTER_MANUAL_HOURS");
    }
  });
});

describe.each([
  [
    "AZURE_AUTHORITY_HOST",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    (it: Settings) => it.callers.authorityHost,
  ],
  [
    "AZURE_RESOURCE_MANAGER_ENDPOINT",
    "management.azure.com",
    "management.usgovcloudapi.net",
    (it: Settings) => it.azureResourceManager.endpoint,
  ],
])("%s", (name, known, otherCloud, hostOf) => {
  test.each([
    [`https://${known}`, `https://${known}`],
    [`https://${known}/`, `https://${known}`],
    [`https://${known.toUpperCase()}:443`, `https://${known}`],
    [` https://${otherCloud} `, `https://${otherCloud}`],
    ["https://127.0.0.1:7072", "https://127.0.0.1:7072"],
    ["https://127.1.2.3:7072/", "https://127.1.2.3:7072"],
    ["https://localhost:7072", "https://localhost:7072"],
    ["https://[::1]:7072", "https://[::1]:7072"],
  ])("may be %s", (value, origin) => {
    expect(hostOf(read({ [name]: value }))).toBe(origin);
  });

  test.each([
    `http://${known}`,
    "http://127.0.0.1:7072",
    "http://localhost",
    "https://elsewhere.example",
    `https://${known}.elsewhere.example`,
    `https://not${known}`,
    `https://${known}@elsewhere.example`,
    `https://user@${known}`,
    `https://user:password@${known}`,
    "https://user:password@127.0.0.1",
    `https://${known}/common`,
    `https://${known}//`,
    `https://${known}?x=1`,
    `https://${known}?`,
    `https://${known}#x`,
    "https://127.0.0.1/path",
    "https://127.0.0.1.elsewhere.example",
    "https://localhost.elsewhere.example",
    "https://127.0.0.1@elsewhere.example",
    "https://0.0.0.0",
    "https://10.0.0.1",
    "https://169.254.169.254",
    "https://[::ffff:127.0.0.1]",
    "https://[fe80::1]",
    known,
    `//${known}`,
    "https://",
    "javascript:alert(1)",
    "ftp://127.0.0.1",
    `https://${known} https://${known}`,
  ])("must not be %s", (value) => {
    expectOneFault({ [name]: value }, name);
  });

  test("leads to this machine in development only", () => {
    for (const value of ["https://127.0.0.1:7072", "https://localhost", "https://[::1]:1"]) {
      expectOneFault({ ...inAzure, [name]: value }, name);
    }
    for (const value of [`https://${known}`, `https://${otherCloud}`]) {
      expect(faultsOf({ ...inAzure, [name]: value })).toEqual([]);
    }
  });

  test("is not the host of the other one", () => {
    const foreign = name === "AZURE_AUTHORITY_HOST" ? "management.azure.com" : "login.microsoftonline.com";
    expectOneFault({ [name]: `https://${foreign}` }, name);
  });
});

test("an authority on this machine is known as such", () => {
  expect(read({ AZURE_AUTHORITY_HOST: "https://localhost:7072" }).callers.isLoopback).toBe(true);
  expect(read({ AZURE_AUTHORITY_HOST: "https://login.microsoftonline.us" }).callers.isLoopback).toBe(false);
});

describe("a browser signs in", () => {
  const name = "BROWSER_AUTHORITY_HOST";
  const host = (more: Environment) => read(more).callers.browserAuthorityHost;

  test("where callers' tokens come from, or at a place of its own", () => {
    const other = "https://login.microsoftonline.us";
    expect(host({ AZURE_AUTHORITY_HOST: other })).toBe(other);
    expect(host({ [name]: `${other}/` })).toBe(other);
    expect(read({ [name]: other }).callers.authorityHost).toBe("https://login.microsoftonline.com");
  });

  test.each(["http://127.0.0.1:7079", "http://localhost:7079", "https://localhost", "http://[::1]:1"])(
    "at %s only on this machine",
    (here) => {
      expect(host({ [name]: here })).toBe(here);
      for (const mark of marksOfAzure) {
        expectOneFault({ ...inAzure, WEBSITE_INSTANCE_ID: undefined, [mark]: "x", [name]: here }, name);
      }
    },
  );

  test.each([
    ...["http://login.microsoftonline.com", "https://elsewhere.example", "http://127.0.0.1.elsewhere.example"],
    ...["http://10.0.0.1", "http://localhost/common", "http://ada@localhost", "https://management.azure.com"],
    ...["javascript:alert(1)", "https://login.microsoftonline.com; script-src *", "localhost:7079"],
  ])("never at %s", (value) => {
    expectOneFault({ [name]: value }, name);
  });
});

describe("Partner Center's application", () => {
  const application = { PARTNER_CENTER_CLIENT_ID: "the-client", PARTNER_CENTER_CLIENT_SECRET: "the-secret" };
  const live = { PARTNER_CENTER_MODE: "live", ...application };
  const vault = "PARTNER_CENTER_KEY_VAULT_URL";

  test.each(["https://contoso.vault.azure.net", "https://v-1.vault.usgovcloudapi.net/", "https://127.0.0.1:8443"])(
    "keeps its refresh token in the key vault %s",
    (url) => {
      expect(read({ ...live, [vault]: url }).partnerCenter?.refreshToken).toEqual({ keyVaultUrl: url });
    },
  );

  test.each([
    ...["http://contoso.vault.azure.net", "https://contoso.vault.azure.net.example", "https://example.com"],
    ...["https://127.0.0.1.example", "http://127.0.0.1", "https://127.0.0.1/path", "https://10.0.0.1"],
  ])("does not keep it in %s", (url) => {
    expectOneFault({ ...live, [vault]: url }, vault);
  });

  test("does not keep it on this machine when that is in Azure", () => {
    expectOneFault({ ...inAzure, ...live, [vault]: "https://127.0.0.1:8443" }, vault);
  });

  test("is all that the first consent needs: no refresh token, no storage, no audience", () => {
    expect(readConsentSettings({ ENTRA_TENANT_ID: tenant.toUpperCase(), ...application })).toEqual({
      authorityHost: "https://login.microsoftonline.com",
      application: {
        endpoint: "https://api.partnercenter.microsoft.com",
        tenantId: tenant,
        clientId: "the-client",
        credential: { clientSecret: "the-secret" },
      },
      keyVaultUrl: undefined,
    });
    expect(() => readConsentSettings({ ENTRA_TENANT_ID: `${tenant},${otherTenant}`, ...application })).toThrow(
      /PARTNER_CENTER_TENANT_ID/,
    );
  });
});

/** A telltale key is in the connection strings, so that expectOneFault sees whether one is repeated. */
const accountKey = "c2VjcmV0LW9mLXN0b3JhZ2U=";

describe("in Azure", () => {
  test.each(marksOfAzure)("%s alone tells that the app is there", (mark) => {
    expect(runsInAzure({ [mark]: "x" })).toBe(true);
    expect(runsInAzure({ [mark]: " " })).toBe(false);
    const own = { ...inAzure, WEBSITE_INSTANCE_ID: undefined, [mark]: "x" };
    expect(faultsOf(own)).toEqual([]);
    expectOneFault({ ...own, AZURE_AUTHORITY_HOST: "https://127.0.0.1:7072" }, "AZURE_AUTHORITY_HOST");
  });

  test("no setting that names a host may lead to this machine", () => {
    const live = {
      PARTNER_CENTER_MODE: "live",
      PARTNER_CENTER_CLIENT_ID: "the-client",
      PARTNER_CENTER_CLIENT_SECRET: "the-secret",
    };
    const here = ["https://127.0.0.1:7072", "https://localhost:7072"];
    const cases: [name: string, more: (host: string) => Environment][] = [
      ["AZURE_AUTHORITY_HOST", (host) => ({ AZURE_AUTHORITY_HOST: host })],
      ["AZURE_RESOURCE_MANAGER_ENDPOINT", (host) => ({ AZURE_RESOURCE_MANAGER_ENDPOINT: host })],
      [
        "PARTNER_CENTER_ENDPOINT",
        (host) => ({ ...live, PARTNER_CENTER_REFRESH_TOKEN: "t", PARTNER_CENTER_ENDPOINT: host }),
      ],
      ["PARTNER_CENTER_KEY_VAULT_URL", (host) => ({ ...live, PARTNER_CENTER_KEY_VAULT_URL: host })],
      [
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        (host) => ({ APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=0;IngestionEndpoint=${host}/` }),
      ],
      ["WEBHOOK_HOSTS", (host) => ({ WEBHOOK_HOSTS: new URL(host).hostname })],
      ["AzureWebJobsStorage", (host) => ({ AzureWebJobsStorage__tableServiceUri: host })],
      ["AzureWebJobsStorage", (host) => ({ AzureWebJobsStorage__queueServiceUri: host })],
      [
        "PERMISSIONS_STORAGE",
        (host) => ({ PERMISSIONS_STORAGE: `AccountName=own;AccountKey=${accountKey};TableEndpoint=${host}/own` }),
      ],
    ];
    for (const host of here) {
      for (const [name, more] of cases) {
        expectOneFault({ ...inAzure, ...more(host) }, name);
        expect(faultsOf({ ...inAzure, WEBSITE_INSTANCE_ID: undefined, ...more(host) })).toEqual([]);
      }
    }
  });

  test.each([
    "UseDevelopmentStorage=true",
    `AccountName=own;AccountKey=${accountKey};UseDevelopmentStorage=true`,
    `DefaultEndpointsProtocol=http;AccountName=own;AccountKey=${accountKey}`,
    `AccountName=own;AccountKey=${accountKey};QueueEndpoint=http://own.queue.core.windows.net`,
    `AccountName=own;AccountKey=${accountKey};QueueEndpoint=nowhere`,
    `AccountName=own; AccountKey=${accountKey}; BlobEndpoint=https://[::1]:1/own`,
  ])("storage is neither the emulator nor spoken to in the clear: %s", (connectionString) => {
    expectOneFault({ ...inAzure, PERMISSIONS_STORAGE: connectionString }, "PERMISSIONS_STORAGE");
    expect(faultsOf({ PERMISSIONS_STORAGE: connectionString })).toEqual([]);
  });

  test("storage may be any account over https", () => {
    for (const connectionString of [
      `DefaultEndpointsProtocol=https;AccountName=own;AccountKey=${accountKey};EndpointSuffix=core.windows.net`,
      `AccountName=own;AccountKey=${accountKey};TableEndpoint=https://own.table.core.windows.net/`,
    ]) {
      expect(faultsOf({ ...inAzure, PERMISSIONS_STORAGE: connectionString })).toEqual([]);
    }
  });

  test("certificates are checked", () => {
    const unchecked = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
    expectOneFault({ ...inAzure, ...unchecked }, "NODE_TLS_REJECT_UNAUTHORIZED");
    expect(faultsOf(unchecked)).toEqual([]);
  });
});

describe("the token of an identity goes to Azure only:", () => {
  const identity = { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${tenant};Authorization=AAD` };
  const insights = (endpoint: string) => ({
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=0;${endpoint}`,
  });

  test.each(["table", "queue"])("the %s service is one of a storage account", (service) => {
    const uris = (host: string) => ({
      PERMISSIONS_STORAGE__tableServiceUri: "https://own.table.core.windows.net",
      PERMISSIONS_STORAGE__queueServiceUri: "https://own.queue.core.windows.net",
      [`PERMISSIONS_STORAGE__${service}ServiceUri`]: host,
    });
    for (const host of [
      `https://own.${service}.core.windows.net/`,
      `https://own.${service}.core.usgovcloudapi.net`,
      `https://own.z07.${service}.storage.azure.net`,
      "https://127.0.0.1:10002/own",
    ]) {
      expect(faultsOf(uris(host))).toEqual([]);
    }
    for (const host of [
      "https://elsewhere.example",
      `https://own.${service}.core.windows.net.elsewhere.example`,
      `https://own.${service}.core.windows.net@elsewhere.example`,
      `https://elsewhere.example/own.${service}.core.windows.net`,
      "https://169.254.169.254/",
    ]) {
      expectOneFault(uris(host), "ServiceUri");
    }
  });

  test("telemetry goes to Application Insights", () => {
    for (const endpoint of [
      "IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
      "IngestionEndpoint=https://dc.services.visualstudio.com",
      "EndpointSuffix=applicationinsights.us",
      "",
    ]) {
      expect(faultsOf({ ...inAzure, ...identity, ...insights(endpoint) })).toEqual([]);
    }
    for (const endpoint of [
      "IngestionEndpoint=https://applicationinsights.azure.com.elsewhere.example/",
      "IngestionEndpoint=http://westeurope-5.in.applicationinsights.azure.com/",
      "ingestionendpoint = https://elsewhere.example/",
      "EndpointSuffix=elsewhere.example",
    ]) {
      expectOneFault({ ...identity, ...insights(endpoint) }, "APPLICATIONINSIGHTS_CONNECTION_STRING");
      expectOneFault({ ...inAzure, ...insights(endpoint) }, "APPLICATIONINSIGHTS_CONNECTION_STRING");
    }
  });
});

describe("an app with wrong settings", () => {
  const good = demoSettings({
    port: 0,
    entraUrl: "https://127.0.0.1:1",
    armUrl: "https://127.0.0.1:1",
    storage: "UseDevelopmentStorage=true",
  });

  function start(settings: Environment): Promise<{ code: unknown; output: string }> {
    const env = Object.fromEntries(
      Object.entries({ PATH: process.env.PATH, ...good, ...settings }).filter(([, value]) => value),
    );
    return new Promise((resolve) => {
      const options = { env: env as NodeJS.ProcessEnv, timeout: 20_000 };
      execFile(process.execPath, ["local/launch.mjs", "host"], options, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });
  }

  test("ends with code 1 and names all faults at once, and no secret", async () => {
    const secrets = {
      PERMISSIONS_STORAGE: "s3cret-of-storage",
      CUSTOMER_APP_CLIENT_SECRET: "s3cret-of-the-app",
      AZURE_AUTHORITY_HOST: "https://ada:s3cret-of-ada@login.microsoftonline.com",
    };
    const { code, output } = await start({
      ...secrets,
      CUSTOMER_APP_CLIENT_ID: undefined,
      ENTRA_TENANT_ID: "contoso.example",
      ENTRA_AUDIENCE: undefined,
      AZURE_RESOURCE_MANAGER_ENDPOINT: "http://management.azure.com",
      ELIGIBILITY_TIMEOUT_SECONDS: "1000",
      ACCEPTED_ROLE_IDS: "Owner",
      REQUIRE_FUNCTION_KEY: "perhaps",
      PARTNER_CENTER_MODE: "sometimes",
    });
    expect(code).toBe(1);
    const lines = output.split("\n").filter((line) => line.startsWith("  - "));
    const named = lines.map((line) => /[A-Z_]{8,}/.exec(line)?.[0]).sort();
    expect(named).toEqual([
      "ACCEPTED_ROLE_IDS",
      "AZURE_AUTHORITY_HOST",
      "AZURE_RESOURCE_MANAGER_ENDPOINT",
      "CUSTOMER_APP_CLIENT_ID",
      "ELIGIBILITY_TIMEOUT_SECONDS",
      "ENTRA_AUDIENCE",
      "ENTRA_TENANT_ID",
      "PARTNER_CENTER_MODE",
      "PERMISSIONS_STORAGE",
      "REQUIRE_FUNCTION_KEY",
    ]);
    expect(output).not.toContain("s3cret");
    expect(output).not.toContain("listening");
  });

  // The second one is Flex Consumption, which has no WEBSITE_INSTANCE_ID.
  test.each(["WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME"])("does not start in Azure with stand-ins: %s", async (mark) => {
    const { code, output } = await start({ [mark]: "0123abcd" });
    expect(code).toBe(1);
    expect(output).toContain("AzureWebJobsStorage must lead to a storage account");
    expect(output).toContain("AZURE_AUTHORITY_HOST must not lead to this machine");
    expect(output).toContain("AZURE_RESOURCE_MANAGER_ENDPOINT must not lead to this machine");
    expect(output).not.toContain("listening");
  });
});
