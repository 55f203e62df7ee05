/**
 * What the comparison of records and policies needs beside the world: the list of known customers with what is known of
 * them, the notebook, the gate, and Partner Center's audit records. Lists come as old as a test wants them.
 */

import type { CustomerId } from "../../shared/domain/identifiers.ts";
import type { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import type { CustomerRecord } from "../../shared/domain/permission.ts";
import type { AuditTrail, DriftProgress, KnownCustomers, Notebook } from "../../shared/ports.ts";
import type { PartnerCenterGate } from "../../shared/use-cases/partner-center-gate.ts";
import type { InMemoryWorld } from "./in-memory-world.ts";

export interface InMemorySweep {
  readonly customers: Pick<KnownCustomers, "list" | "saveVerified">;
  readonly notebook: Notebook;
  readonly gate: PartnerCenterGate;
  readonly audit: AuditTrail;
  /** Every known customer, in the order of the list. */
  readonly known: CustomerId[];
  /** What the list shows instead of the record. */
  readonly outdated: Map<CustomerId, CustomerRecord>;
  readonly verified: Map<CustomerId, string>;
  /** The newest policy change of a customer, as the audit records tell it; an error is thrown. */
  readonly changes: Map<CustomerId, { at: Date; userPrincipalName?: string } | Error>;
  note: DriftProgress | undefined;
  refusal: PartnerCenterRefusal | undefined;
}

export function createInMemorySweep(world: InMemoryWorld): InMemorySweep {
  const notes = new Map<string, string>();
  const sweep: InMemorySweep = {
    known: [],
    outdated: new Map(),
    verified: new Map(),
    changes: new Map(),
    refusal: undefined,
    get note() {
      const text = notes.get("drift");
      return text === undefined ? undefined : JSON.parse(text);
    },
    set note(note) {
      notes.set("drift", JSON.stringify(note));
    },
    customers: {
      async list({ after, limit }) {
        const rest = sweep.known.slice(after === undefined ? 0 : sweep.known.indexOf(after) + 1);
        const items = rest
          .slice(0, limit)
          .map((customerId) => ({ record: sweep.outdated.get(customerId) ?? world.recordOf(customerId) }));
        const next = rest.length > limit ? rest[limit - 1] : undefined;
        return next === undefined ? { items } : { items, next };
      },
      async saveVerified(customerIds, at) {
        for (const customerId of customerIds) sweep.verified.set(customerId, at.toISOString());
      },
    },
    notebook: {
      async read(name) {
        const text = notes.get(name);
        return text === undefined ? undefined : JSON.parse(text);
      },
      write: async (name, note) => void notes.set(name, JSON.stringify(note)),
    },
    gate: {
      isOpen: async () => sweep.refusal === undefined,
      close: async (refusal) => {
        sweep.refusal = refusal;
      },
    },
    audit: {
      async lastChangeOf(customerId) {
        const change = sweep.changes.get(customerId);
        if (change instanceof Error) throw change;
        return change;
      },
    },
  };
  return sweep;
}
