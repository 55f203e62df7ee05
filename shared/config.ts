/**
 * The settings, read from the environment in this file only. Everything that is wrong with them is said
 * at once, when the app starts: an app that starts with half of its settings does harm later.
 */

export interface Settings {
  readonly storage: StorageSettings;
  readonly callers: CallerSettings;
  readonly azureResourceManager: { readonly endpoint: string };
  readonly customerApp: CustomerAppSettings;
  readonly eligibility: {
    readonly cspQuotaIds: ReadonlySet<string>;
    readonly acceptedRoleIds: ReadonlySet<string>;
    readonly excludedPrincipalIds: ReadonlySet<string>;
    readonly timeoutSeconds: number;
  };
  /** Absent: our record is the switch. */
  readonly partnerCenter: PartnerCenterSettings | undefined;
  /** Without meaning where Partner Center is not followed. */
  readonly drift: DriftSettings;
  readonly requireFunctionKey: boolean;
  /** Hosts of callback URLs, beside those of Microsoft's workflows: names, or `*.` and what they end with. */
  readonly webhooks: { readonly hosts: readonly string[] };
  readonly applicationInsights:
    | { readonly connectionString: string; readonly managedIdentityClientId?: string }
    | undefined;
}

export interface StorageSettings {
  /** Name of the setting that queue triggers connect with. */
  readonly connectionName: string;
  readonly connection:
    | { readonly connectionString: string }
    | { readonly tableServiceUri: string; readonly queueServiceUri: string; readonly managedIdentityClientId?: string };
}

export interface CallerSettings {
  readonly tenantIds: ReadonlySet<string>;
  readonly audience: string;
  /** Origin without a slash at the end. */
  readonly authorityHost: string;
  /** The authority is a stand-in on this machine. */
  readonly isLoopback: boolean;
  /** Where users of the operators' page sign in. Origin without a slash at the end. */
  readonly browserAuthorityHost: string;
}

/** The application of the Secure Application Model, and whom it calls. */
export interface PartnerCenterApplication {
  /** Origin without a slash at the end. */
  readonly endpoint: string;
  /** Grantor of the policies. */
  readonly tenantId: string;
  readonly clientId: string;
  readonly credential: { readonly clientSecret: string } | { readonly certificatePath: string };
}

export interface PartnerCenterSettings extends PartnerCenterApplication {
  /** Of an Admin Agent account. Absent, which it may be only where an operator moves the switches: the application calls alone. */
  readonly refreshToken?: { readonly setting: string } | { readonly keyVaultUrl: string };
  /** Present: an operator moves the switches in Partner Center, and has so many hours for each. */
  readonly manualHours?: number;
}

export interface DriftSettings {
  /** What is done about a customer who should not have a permission and has it; nothing ever turns one On. */
  readonly action: "report" | "turnOff";
  /** From the end of a round over all customers to the beginning of the next. */
  readonly intervalMinutes: number;
  /** Of Partner Center, in one run. A run begins every minute. */
  readonly callsPerRun: number;
}

/** What the first consent needs (local/consent.ts): there is no refresh token yet, and no app is started. */
export interface ConsentSettings {
  /** Origin without a slash at the end. */
  readonly authorityHost: string;
  readonly application: PartnerCenterApplication;
  readonly keyVaultUrl: string | undefined;
}

export type CustomerAppSettings =
  | { readonly clientId: string; readonly managedIdentityClientId: string }
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly azureCli: true };

/** Lists every fault; no value of a setting is repeated, since some of them are secrets. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(faults: readonly string[]) {
    super(`The settings are not right:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const ownerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
const cspQuotaIds = "CSP_2015-05-01,CSP_MG_2017-12-01,CSPDEVTEST_2018-05-01";
/** Only these may be sent a token or believed about one: global, US Government, China. */
const authorityHosts = ["login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"];
const partnerCenterHosts = ["api.partnercenter.microsoft.com"];
const resourceManagerHosts = ["management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn"];
/** Of table and queue endpoints, with DNS zones too: https://learn.microsoft.com/azure/storage/common/storage-account-overview */
const storageHost =
  /^[a-z0-9-]+(\.z\d+)?\.(table|queue)\.(core\.(windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)|storage\.azure\.net)$/;
/** At least two labels, the last of letters: no address made of numbers, no whole top-level domain. */
const hostName = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/;
const ingestionHost = /^(dc\.services\.visualstudio\.com|([\w-]+\.)+applicationinsights\.(azure\.(com|us|cn)|us|cn))$/;

/**
 * What Azure sets and nobody else. One name does not do: WEBSITE_INSTANCE_ID is missing on Flex Consumption and on Linux
 * Consumption (Azure/azure-functions-host, EnvironmentExtensions.cs: IsAppService), CONTAINER_APP_NAME is of Container Apps.
 */
export const marksOfAzure = ["WEBSITE_INSTANCE_ID", "WEBSITE_POD_NAME", "WEBSITE_SITE_NAME", "CONTAINER_APP_NAME"];

/** Where stand-ins of any kind have no place. */
export function runsInAzure(environment: Environment): boolean {
  return marksOfAzure.some((name) => environment[name]?.trim());
}

function isThisMachine(hostname: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(hostname);
}

/** Reads settings that more than one needs, and collects what is wrong with them. */
function createReader(environment: Environment) {
  const faults: string[] = [];
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const inAzure = runsInAzure(environment);
  if (inAzure && read("NODE_TLS_REJECT_UNAUTHORIZED") === "0") {
    faults.push("NODE_TLS_REJECT_UNAUTHORIZED must not be 0 when the app runs in Azure: any server could be anybody.");
  }

  const required = (name: string, meaning: string): string => {
    const value = read(name);
    if (value === undefined) faults.push(`${name} is missing: ${meaning}.`);
    return value ?? "";
  };
  const list = (name: string, preset: string): string[] =>
    (read(name) ?? preset)
      .split(",")
      .map((item) => item.trim().toLowerCase())
      .filter((item) => item !== "");
  const guids = (name: string, preset: string): Set<string> => {
    const items = list(name, preset);
    const isEmpty = items.length === 0 && read(name) !== undefined;
    if (isEmpty || !items.every((item) => guid.test(item))) faults.push(`${name} must be GUIDs separated by commas.`);
    return new Set(items);
  };
  const origin = (name: string, knownHosts: readonly string[], { httpHere = false } = {}) => {
    const value = read(name) ?? `https://${knownHosts[0]}`;
    const url = URL.parse(value);
    const isLoopback = url !== null && isThisMachine(url.hostname);
    const isAllowed = url?.protocol === "https:" || (url?.protocol === "http:" && httpHere && isLoopback);
    if (!isAllowed || `${url.origin}/` !== url.href || url.username !== "") {
      faults.push(`${name} must be an https origin, such as https://${knownHosts[0]}.`);
    } else if (isLoopback && inAzure) {
      faults.push(`${name} must not lead to this machine when the app runs in Azure.`);
    } else if (!isLoopback && !knownHosts.includes(url.hostname)) {
      faults.push(`${name} must be one of the Microsoft clouds: ${knownHosts.join(", ")}.`);
    }
    return { origin: url?.origin ?? value, isLoopback };
  };

  function partnerCenterApplication(): PartnerCenterApplication {
    const tenants = list("ENTRA_TENANT_ID", "");
    const tenantId = (
      read("PARTNER_CENTER_TENANT_ID") ?? (tenants.length === 1 ? tenants[0] : undefined)
    )?.toLowerCase();
    if (tenantId === undefined || !guid.test(tenantId)) {
      faults.push("PARTNER_CENTER_TENANT_ID is missing or no GUID: the partner's tenant that grants the permissions.");
    }
    const clientId = required("PARTNER_CENTER_CLIENT_ID", "the application of the Secure Application Model");
    const clientSecret = read("PARTNER_CENTER_CLIENT_SECRET");
    const certificatePath = read("PARTNER_CENTER_CLIENT_CERTIFICATE_PATH");
    if ((clientSecret === undefined) === (certificatePath === undefined)) {
      faults.push(
        "Exactly one of PARTNER_CENTER_CLIENT_SECRET and PARTNER_CENTER_CLIENT_CERTIFICATE_PATH must be set.",
      );
    }
    return {
      endpoint: origin("PARTNER_CENTER_ENDPOINT", partnerCenterHosts).origin,
      tenantId: tenantId ?? "",
      clientId,
      credential: certificatePath === undefined ? { clientSecret: clientSecret ?? "" } : { certificatePath },
    };
  }

  function keyVaultUrl(): string | undefined {
    const name = "PARTNER_CENTER_KEY_VAULT_URL";
    const value = read(name);
    const isLoopback = /^https:\/\/(127(\.\d+){3}|localhost)(:\d+)?\/?$/i.test(value ?? "");
    if (isLoopback && inAzure) faults.push(`${name} must not lead to this machine when the app runs in Azure.`);
    const isVault = /^https:\/\/[\w-]+\.vault\.(azure\.net|usgovcloudapi\.net)\/?$/i.test(value ?? "");
    if (value !== undefined && !isVault && !isLoopback)
      faults.push(`${name} must be the https URL of an Azure key vault.`);
    return value;
  }

  return { faults, read, inAzure, required, list, guids, origin, partnerCenterApplication, keyVaultUrl };
}

/** Whether a connection string leads over https to another machine, for each of its services. */
function staysSecret(connectionString: string): boolean {
  const parts = connectionString.split(";").map((part) => part.trim());
  const endpoints = parts.flatMap((part) => /^(?:table|queue|blob|file)endpoint\s*=(.*)$/i.exec(part)?.[1] ?? []);
  const isEmulator = parts.some((part) => /^(UseDevelopmentStorage=true|DefaultEndpointsProtocol=http)$/i.test(part));
  return (
    !isEmulator &&
    endpoints.every((endpoint) => {
      const url = URL.parse(endpoint);
      return url?.protocol === "https:" && !isThisMachine(url.hostname);
    })
  );
}

/**
 * @param environment as for readSettings
 * @throws SettingsError with all faults
 */
export function readConsentSettings(environment: Environment): ConsentSettings {
  const { faults, origin, partnerCenterApplication, keyVaultUrl } = createReader(environment);
  const settings = {
    authorityHost: origin("AZURE_AUTHORITY_HOST", authorityHosts).origin,
    application: partnerCenterApplication(),
    keyVaultUrl: keyVaultUrl(),
  };
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;
}

/**
 * @param environment `process.env`; an empty value is as good as none
 * @throws SettingsError with all faults
 */
export function readSettings(environment: Environment): Settings {
  const reader = createReader(environment);
  const { faults, read, inAzure, required, list, guids, origin } = reader;

  const authority = origin("AZURE_AUTHORITY_HOST", authorityHosts);
  const browserAuthority =
    read("BROWSER_AUTHORITY_HOST") === undefined
      ? authority
      : // No token of ours goes there, and a browser does not know the authority of the stand-in's certificate.
        origin("BROWSER_AUTHORITY_HOST", authorityHosts, { httpHere: true });
  const settings: Settings = {
    storage: storageSettings(),
    callers: {
      tenantIds: callerTenants(),
      audience: callerAudience(),
      authorityHost: authority.origin,
      isLoopback: authority.isLoopback,
      browserAuthorityHost: browserAuthority.origin,
    },
    azureResourceManager: { endpoint: origin("AZURE_RESOURCE_MANAGER_ENDPOINT", resourceManagerHosts).origin },
    customerApp: customerApp(),
    eligibility: {
      cspQuotaIds: new Set(list("CSP_QUOTA_IDS", cspQuotaIds)),
      acceptedRoleIds: guids("ACCEPTED_ROLE_IDS", ownerRole),
      excludedPrincipalIds: guids("EXCLUDED_PRINCIPAL_IDS", ""),
      timeoutSeconds: wholeNumber("ELIGIBILITY_TIMEOUT_SECONDS", 20, 1, 120),
    },
    partnerCenter: partnerCenter(),
    drift: {
      action: driftAction(),
      intervalMinutes: wholeNumber("DRIFT_INTERVAL_MINUTES", 360, 0, 10_080),
      callsPerRun: wholeNumber("DRIFT_CALLS_PER_RUN", 100, 1, 10_000),
    },
    requireFunctionKey: flag("REQUIRE_FUNCTION_KEY"),
    webhooks: { hosts: webhookHosts() },
    applicationInsights: applicationInsights(),
  };
  if (faults.length > 0) throw new SettingsError(faults);
  return settings;

  function callerTenants(): Set<string> {
    required("ENTRA_TENANT_ID", "the partner's tenant id, several separated by commas");
    return guids("ENTRA_TENANT_ID", "");
  }

  function callerAudience(): string {
    const audience = required("ENTRA_AUDIENCE", "the application (client) id of this API");
    if (audience.includes("://")) {
      faults.push("ENTRA_AUDIENCE must be the application (client) id: v2 tokens never carry an App ID URI.");
    }
    return audience;
  }

  function storageSettings(): StorageSettings {
    const connectionName = Object.keys(environment).some(
      (name) => /^PERMISSIONS_STORAGE(__|$)/.test(name) && read(name),
    )
      ? "PERMISSIONS_STORAGE"
      : "AzureWebJobsStorage";
    const connectionString = read(connectionName);
    if (connectionString !== undefined) {
      if (!/(^|;)(UseDevelopmentStorage|AccountName|TableEndpoint)=/i.test(connectionString)) {
        faults.push(`${connectionName} is not a connection string of a storage account.`);
      } else if (inAzure && !staysSecret(connectionString)) {
        faults.push(
          `${connectionName} must lead to a storage account over https, and not to this machine, when the app runs in Azure.`,
        );
      }
      return { connectionName, connection: { connectionString } };
    }
    const account = read(`${connectionName}__accountName`);
    const uri = (service: "table" | "queue") =>
      read(`${connectionName}__${service}ServiceUri`) ??
      (account === undefined ? undefined : `https://${account}.${service}.core.windows.net`);
    const tableServiceUri = uri("table");
    const queueServiceUri = uri("queue");
    if (tableServiceUri === undefined || queueServiceUri === undefined) {
      faults.push(
        "PERMISSIONS_STORAGE or AzureWebJobsStorage is missing: a connection string, or both __tableServiceUri and __queueServiceUri.",
      );
    } else if (![tableServiceUri, queueServiceUri].every((each) => URL.parse(each)?.protocol === "https:")) {
      faults.push(`${connectionName}__tableServiceUri and __queueServiceUri must be https URLs.`);
    } else if (![tableServiceUri, queueServiceUri].every((each) => mayGetToken(each, storageHost))) {
      faults.push(
        `${connectionName}__tableServiceUri and __queueServiceUri must be those of an Azure storage account.`,
      );
    }
    const managedIdentityClientId = read(`${connectionName}__clientId`);
    return {
      connectionName,
      connection: {
        tableServiceUri: tableServiceUri ?? "",
        queueServiceUri: queueServiceUri ?? "",
        ...(managedIdentityClientId === undefined ? {} : { managedIdentityClientId }),
      },
    };
  }

  /** Whether a URL is of Azure, or of a stand-in where stand-ins have a place: an identity's token goes there. */
  function mayGetToken(url: string, hosts: RegExp): boolean {
    const { protocol, hostname } = URL.parse(url) ?? { protocol: "", hostname: "" };
    return protocol === "https:" && (hosts.test(hostname) || (isThisMachine(hostname) && !inAzure));
  }

  function applicationInsights(): Settings["applicationInsights"] {
    const name = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    const connectionString = read(name);
    if (connectionString === undefined) return undefined;
    const part = (key: string, text: string) =>
      new RegExp(`(?:^|;)\\s*${key}\\s*=\\s*([^;]+)`, "i").exec(text)?.[1]?.trim();
    const managedIdentityClientId = part("ClientId", read("APPLICATIONINSIGHTS_AUTHENTICATION_STRING") ?? "");
    const suffix = part("EndpointSuffix", connectionString);
    const endpoint = part("IngestionEndpoint", connectionString) ?? (suffix && `https://dc.${suffix}`);
    const isGuarded = inAzure || managedIdentityClientId !== undefined;
    if (isGuarded && endpoint !== undefined && !mayGetToken(endpoint, ingestionHost)) {
      faults.push(`${name} must lead to Application Insights over https.`);
    }
    return { connectionString, ...(managedIdentityClientId === undefined ? {} : { managedIdentityClientId }) };
  }

  function customerApp(): CustomerAppSettings {
    const clientId = read("CUSTOMER_APP_CLIENT_ID");
    const managedIdentityClientId = read("CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID");
    const clientSecret = read("CUSTOMER_APP_CLIENT_SECRET");
    if (managedIdentityClientId === undefined && clientSecret === undefined) return { azureCli: true };
    if (clientId === undefined) {
      faults.push("CUSTOMER_APP_CLIENT_ID is missing: the application that the identity or secret belongs to.");
    }
    if (managedIdentityClientId !== undefined && clientSecret !== undefined) {
      faults.push("CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID and CUSTOMER_APP_CLIENT_SECRET exclude each other.");
    }
    return managedIdentityClientId === undefined
      ? { clientId: clientId ?? "", clientSecret: clientSecret ?? "" }
      : { clientId: clientId ?? "", managedIdentityClientId };
  }

  function partnerCenter(): PartnerCenterSettings | undefined {
    const mode = read("PARTNER_CENTER_MODE") ?? "off";
    if (mode === "off") return undefined;
    if (mode !== "live" && mode !== "manual") {
      faults.push("PARTNER_CENTER_MODE must be off, live or manual.");
      return undefined;
    }
    const application = reader.partnerCenterApplication();
    const setting = read("PARTNER_CENTER_REFRESH_TOKEN");
    const keyVaultUrl = reader.keyVaultUrl();
    const isAlone = setting === undefined && keyVaultUrl === undefined;
    if (isAlone ? mode === "live" : setting !== undefined && keyVaultUrl !== undefined) {
      const exactly = mode === "live" ? "Exactly" : "At most";
      faults.push(`${exactly} one of PARTNER_CENTER_REFRESH_TOKEN and PARTNER_CENTER_KEY_VAULT_URL must be set.`);
    }
    return {
      ...application,
      ...(isAlone ? {} : { refreshToken: keyVaultUrl === undefined ? { setting: setting ?? "" } : { keyVaultUrl } }),
      ...(mode === "manual" ? { manualHours: wholeNumber("PARTNER_CENTER_MANUAL_HOURS", 24, 1, 720) } : {}),
    };
  }

  function webhookHosts(): string[] {
    const hosts = list("WEBHOOK_HOSTS", "");
    if (inAzure && hosts.some(isThisMachine)) {
      faults.push("WEBHOOK_HOSTS must not lead to this machine when the app runs in Azure.");
    } else if (!hosts.every((host) => isThisMachine(host) || hostName.test(host))) {
      faults.push("WEBHOOK_HOSTS must be host names separated by commas, such as hooks.example.com or *.example.com.");
    }
    return hosts;
  }

  function driftAction(): DriftSettings["action"] {
    const action = read("DRIFT_ACTION") ?? "report";
    if (action === "report" || action === "turnOff") return action;
    faults.push("DRIFT_ACTION must be report or turnOff.");
    return "report";
  }

  function wholeNumber(name: string, preset: number, least: number, most: number): number {
    const number = Number(read(name) ?? preset);
    if (!Number.isInteger(number) || number < least || number > most) {
      faults.push(`${name} must be a whole number from ${least} to ${most}.`);
    }
    return number;
  }

  function flag(name: string): boolean {
    const value = (read(name) ?? "false").toLowerCase();
    if (value !== "true" && value !== "false") faults.push(`${name} must be true or false.`);
    return value === "true";
  }
}
