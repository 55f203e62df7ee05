/**
 * Where a webhook may lead. Whoever may subscribe chooses the address, so it is held against a list of hosts: otherwise
 * this service could be made to call anything that it can reach (OWASP API7, server side request forgery).
 *
 * A callback URL of Logic Apps is a secret (`sig=`): nothing said here repeats it.
 */

/**
 * Where workflows of Microsoft's are called back: Logic Apps (Consumption), API connections, Power Automate, Logic Apps
 * (Standard) and Functions, Power Platform. https://learn.microsoft.com/power-automate/ip-address-configuration
 */
export const workflowHosts: readonly string[] = [
  "*.logic.azure.com",
  "*.azure-apim.net",
  "*.flow.microsoft.com",
  "*.azurewebsites.net",
  "*.powerplatform.com",
];

const mostCharacters = 2048;

/**
 * @param text what the caller sent
 * @param hosts names in lower case, or `*.` and what they end with; a loopback host among them may have any port
 * @returns the URL, or in words what is wrong with it
 */
export function parseCallbackUrl(text: unknown, hosts: readonly string[]): URL | string {
  if (typeof text !== "string" || text.length > mostCharacters) {
    return `callbackUrl must be a URL of at most ${mostCharacters} characters.`;
  }
  const url = URL.parse(text);
  if (url?.protocol !== "https:") return "callbackUrl must be an https URL.";
  if (url.username !== "" || url.password !== "") return "callbackUrl must not hold a user name or a password.";
  const { hostname } = url;
  const isListed = hosts.some((host) => (host.startsWith("*.") ? hostname.endsWith(host.slice(1)) : hostname === host));
  if (!isListed) return "callbackUrl leads to a host that is not on the list of hosts that may be called.";
  if (url.port !== "" && !isLoopback(hostname)) return "callbackUrl must not name a port: 443 is the only one.";
  return url;
}

/** Only the settings can put one on the list, and never in Azure. No other address made of numbers can be there. */
function isLoopback(hostname: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(hostname);
}
