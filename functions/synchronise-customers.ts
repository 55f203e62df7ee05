/** Every five minutes: goes on reading Partner Center's customers, if a round is open or due. */

import type { TimerHandler } from "@azure/functions";
import type { SynchroniseCustomers } from "../shared/use-cases/synchronise-customers.ts";

export function synchroniseCustomers(synchronise: SynchroniseCustomers): TimerHandler {
  return () => synchronise();
}
