/**
 * Keeps the timers from hammering a Partner Center that refuses us for good (no multi-factor authentication,
 * no role, no valid sign-in): after such a refusal nothing is asked for an hour, then one question is.
 */

import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Clock, Notebook, PartnerCenterProbe, PartnerCenterStanding, Telemetry } from "../ports.ts";

export interface PartnerCenterGate {
  /** @returns whether Partner Center may be called now; asks it once an hour how it receives us, or until it answers */
  isOpen(): Promise<boolean>;
  /** Partner Center has refused us, not one customer. */
  close(refusal: PartnerCenterRefusal): Promise<void>;
}

/** How Partner Center receives us, in one word. */
export const receptions = ["Ready", "MfaNotCompliant", "Refused"] as const;
export type Reception = (typeof receptions)[number];

const askAgainMilliseconds = 60 * 60 * 1000;

export function createPartnerCenterGate({
  notebook,
  probe,
  telemetry,
  clock,
}: {
  readonly notebook: Notebook;
  readonly probe: PartnerCenterProbe;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}): PartnerCenterGate {
  return {
    async isOpen() {
      const before = await notebook.read("partnerCenter");
      const isFresh = before !== undefined && clock.now().getTime() < Date.parse(before.askAgainAt);
      const standing = isFresh ? before : await ask(before);
      return standing?.refusal === undefined;
    },

    async close(refusal) {
      await note(await notebook.read("partnerCenter"), refused(refusal));
    },
  };

  /**
   * No answer says nothing about how we are received: what was noted holds, and the next one who comes asks again.
   * So an outage neither opens a gate that a refusal has closed, nor closes one that nobody has.
   */
  async function ask(before: PartnerCenterStanding | undefined): Promise<PartnerCenterStanding | undefined> {
    try {
      const said = await probe.isMfaCompliant();
      // "Not compliant" may have been a refusal or not. Where one for just that stands, nothing is cured yet.
      const isCured = said !== false || before?.refusal?.reason !== "MfaRequired";
      return await note(before, { isMfaCompliant: said ?? null, ...(isCured ? {} : { refusal: before?.refusal }) });
    } catch (error) {
      if (error instanceof PartnerCenterRefusal) return note(before, refused(error));
      if (!(error instanceof Refusal)) throw error;
      telemetry.warning("Partner Center did not say how it receives us; what it said last holds.", error);
      return before;
    }
  }

  async function note(before: PartnerCenterStanding | undefined, found: Found): Promise<PartnerCenterStanding> {
    const now = clock.now();
    const { isMfaCompliant = before?.isMfaCompliant ?? null, refusal } = found;
    const isSame = refusal?.reason === before?.refusal?.reason;
    const standing: PartnerCenterStanding = {
      checkedAt: now.toISOString(),
      isMfaCompliant,
      ...(refusal === undefined
        ? {}
        : { refusal: { ...refusal, since: (isSame && before?.refusal?.since) || now.toISOString() } }),
      askAgainAt: new Date(now.getTime() + askAgainMilliseconds).toISOString(),
    };
    await notebook.write("partnerCenter", standing);
    const [reception, earlier] = [receptionOf(standing), before && receptionOf(before)];
    if (reception !== "Ready" && (reception !== earlier || (reception === "Refused" && !isSame))) {
      telemetry.event(`PartnerCenter${reception}`, refusal === undefined ? {} : wordsOf(refusal));
    }
    return standing;
  }
}

interface Found {
  /** Absent: as it was. */
  readonly isMfaCompliant?: boolean | null;
  readonly refusal?: Pick<NonNullable<PartnerCenterStanding["refusal"]>, "reason" | "message"> | undefined;
}

function refused({ reason, message }: PartnerCenterRefusal): Found {
  return { refusal: { reason, message }, ...(reason === "MfaRequired" ? { isMfaCompliant: false } : {}) };
}

function wordsOf({ reason, message }: NonNullable<Found["refusal"]>): Record<string, string> {
  return { reason, message };
}

export function receptionOf({ isMfaCompliant, refusal }: PartnerCenterStanding): Reception {
  if (refusal !== undefined && refusal.reason !== "MfaRequired") return "Refused";
  return isMfaCompliant === false ? "MfaNotCompliant" : "Ready";
}
