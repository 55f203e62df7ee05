/** The service's notes in Table Storage: one row each, beside the state of record. */

import type { Notebook, Notes } from "../ports.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { callStorage } from "./storage-call.ts";
import { type TableClient, writeTo } from "./storage-clients.ts";
import { noteKeys } from "./table-keys.ts";
import { readRow } from "./table-query.ts";

/** The time that each note must have: what lacks it is none. */
const timeOf: { readonly [Name in keyof Notes]: keyof Notes[Name] } = {
  synchronisation: "startedAt",
  drift: "startedAt",
  unfinishedChanges: "startedAt",
  partnerCenter: "askAgainAt",
};

export function createTableNotebook(table: () => Promise<TableClient>): Notebook {
  return {
    async read<Name extends keyof Notes>(name: Name): Promise<Notes[Name] | undefined> {
      const row = await readRow(table, noteKeys(name));
      if (row === undefined) return undefined;
      return fromJsonColumns<Notes[Name]>(row, "note", (note) => !Number.isNaN(Date.parse(String(note[timeOf[name]]))));
    },

    async write(name, note) {
      const row = { ...noteKeys(name), ...jsonColumns("note", note) };
      await writeTo(table, (client) =>
        callStorage((abortSignal) => client.upsertEntity(row, "Replace", { abortSignal }), ["TableNotFound"]),
      );
    },
  };
}
