/** What went wrong between the page and the API, as far as the page has to tell the reader. */

/**
 * Beside the API's own codes: `Offline`, the API cannot be reached; `SignedOut`, there is no token any more;
 * `SignInUnavailable`, there will be one again when Entra can be reached.
 */
export interface ProblemFacts {
  readonly code: string;
  readonly message: string;
  /** The checks, the change in the way, or what Partner Center said. */
  readonly details: readonly ProblemDetail[];
  /** To be quoted. */
  readonly requestId?: string | undefined;
}

export interface ProblemDetail {
  readonly name?: string;
  readonly result?: string;
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly link?: string;
  readonly partnerCenterCode?: string;
  readonly changeId?: string;
  readonly product?: string;
  readonly state?: string;
  readonly since?: string;
}

export class Problem extends Error {
  override readonly name = "Problem";
  readonly facts: ProblemFacts;

  constructor(facts: ProblemFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.facts = facts;
  }
}

/** @returns whether it goes away by itself, so that asking again may help */
export function isPassing({ code }: ProblemFacts): boolean {
  return ["DependencyUnavailable", "Offline", "SignInUnavailable"].includes(code);
}

/** @returns what an answer of the API says; what is no answer of the API, such as a proxy's page, is an outage */
export async function problemOf(response: Response): Promise<Problem> {
  const requestId = response.headers.get("x-ms-request-id") ?? undefined;
  const body: unknown = await response.json().catch(() => undefined);
  const error = (body as { readonly error?: Partial<ProblemFacts> } | undefined)?.error;
  const { code, message } = error ?? {};
  if (typeof code !== "string" || typeof message !== "string") {
    return new Problem({ code: "DependencyUnavailable", message: `HTTP ${response.status}`, details: [], requestId });
  }
  return new Problem({ code, message, details: Array.isArray(error?.details) ? error.details : [], requestId });
}
