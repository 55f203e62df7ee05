/**
 * What an employee of the partner may be, in Partner Center's words. They are app roles of this API, too.
 * https://learn.microsoft.com/partner-center/account-settings/permissions-overview
 */

export const agentRoles = ["AdminAgent", "SalesAgent", "HelpdeskAgent"] as const;
export type AgentRole = (typeof agentRoles)[number];
