/** The activity log in Table Storage: one table by customer, one by day over all customers. */

import type { Activity } from "../domain/activity.ts";
import type { ActivityLog } from "../ports.ts";
import { activityColumns, activityOf } from "./activity-row.ts";
import { byDayRow, turnColumns, turnIn } from "./by-day-row.ts";
import { callStorage, storageCode } from "./storage-call.ts";
import { type TableClient, writeTo } from "./storage-clients.ts";
import { byDayBefore, byDayKeys, dayOf, logKeys } from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";

export function createTableActivityLog(
  logTable: () => Promise<TableClient>,
  byDayTable: () => Promise<TableClient>,
): ActivityLog {
  return {
    async insert(activity) {
      const row = { ...logKeys(activity), ...activityColumns(activity) };
      try {
        await writeTo(logTable, (client) =>
          callStorage(
            (abortSignal) => client.createEntity(row, { abortSignal }),
            ["EntityAlreadyExists", "TableNotFound"],
          ),
        );
        return "inserted";
      } catch (error) {
        if (storageCode(error) === "EntityAlreadyExists") return "exists";
        throw error;
      }
    },

    async index(activity) {
      const row = byDayRow(activity);
      await writeTo(byDayTable, (client) =>
        callStorage((abortSignal) => client.upsertEntity(row, "Replace", { abortSignal }), ["TableNotFound"]),
      );
    },

    async find(customerId, sequence) {
      const row = await readRow(logTable, logKeys({ customerId, sequence }));
      return row === undefined ? undefined : activityOf(row);
    },

    async ofCustomer(customerId, { from, to, after, limit }) {
      const filter = [
        `PartitionKey eq '${customerId}'`,
        ...(after === undefined ? [] : [`RowKey gt '${logKeys(after).rowKey}'`]),
        ...(from === undefined ? [] : [`at ge '${from.toISOString()}'`]),
        ...(to === undefined ? [] : [`at lt '${to.toISOString()}'`]),
      ];
      return activitiesOf(await queryRows(logTable, filter.join(" and "), limit));
    },

    /** Two ranges, because Azure scans the whole table for an `or` over partitions: the rest of a day, then the days before. */
    async ofAll({ from, to, after, limit }) {
      const end = from === undefined ? "" : ` and PartitionKey le '${dayOf(from)}' and at ge '${from.toISOString()}'`;
      const start = after === undefined ? to && byDayBefore(to) : byDayKeys(after);
      if (start === undefined) {
        return activitiesOf(await queryRows(byDayTable, `PartitionKey ge '0'${end}`, limit));
      }
      const { partitionKey, rowKey } = start;
      const sameDay = await queryRows(
        byDayTable,
        `PartitionKey eq '${partitionKey}' and RowKey gt '${rowKey}'${end}`,
        limit,
      );
      if (sameDay.length >= limit) return activitiesOf(sameDay);
      const earlier = await queryRows(byDayTable, `PartitionKey gt '${partitionKey}'${end}`, limit - sameDay.length);
      return activitiesOf([...sameDay, ...earlier]);
    },

    async *turnsOf(date) {
      const partition = `PartitionKey eq '${dayOf(new Date(date))}'`;
      for (let last: Row | undefined, isMore = true; isMore; ) {
        const filter = last === undefined ? partition : `${partition} and RowKey gt '${last.rowKey}'`;
        const some = await queryRows(byDayTable, filter, turnsAtOnce, turnColumns);
        // Rows of earlier versions have their turns in the activity itself only.
        const isOld = some.some(({ turned }) => typeof turned !== "string");
        const rows = isOld ? await queryRows(byDayTable, filter, turnsAtOnce) : some;
        yield rows.map(turnIn).filter((turn) => turn !== undefined);
        last = rows.at(-1);
        isMore = rows.length === turnsAtOnce;
      }
    },
  };
}

/** The most that Azure answers at once. */
const turnsAtOnce = 1000;

function activitiesOf(rows: readonly Row[]): Activity[] {
  return rows.map(activityOf);
}
