/** Takes the whole log along: CSV for spreadsheets, NDJSON exactly as the API answers it, so that hashes can be verified. */

import type { Activity } from "../shared/domain/activity.ts";
import { type ActivityRange, linkOf } from "./activity-range.ts";
import type { Page } from "./api.ts";
import { csvOf } from "./csv.ts";
import { element } from "./element.ts";
import type { Context } from "./screen.ts";

export const downloadFormats = ["CSV", "NDJSON"] as const;
export type DownloadFormat = (typeof downloadFormats)[number];

const pageSize = 200;
const mediaTypes = { CSV: "text/csv;charset=utf-8", NDJSON: "application/x-ndjson" } as const;

/** @returns how many entries there are; nothing is saved unless all of them were read */
export async function downloadActivities(
  { api, signal }: Pick<Context, "api" | "signal">,
  range: ActivityRange,
  format: DownloadFormat,
  progress: (count: number) => void,
): Promise<number> {
  const activities: Activity[] = [];
  let link: string | undefined = linkOf(range, pageSize);
  while (link !== undefined) {
    const { body }: { readonly body: Page<Activity> } = await api.get<Page<Activity>>(link, signal);
    activities.push(...body.value);
    progress(activities.length);
    link = body.nextLink;
  }
  const text =
    format === "CSV" ? csvOf(activities) : activities.map((activity) => `${JSON.stringify(activity)}\n`).join("");
  const url = URL.createObjectURL(new Blob([text], { type: mediaTypes[format] }));
  const name = `activities${range.customerId === undefined ? "" : `-${range.customerId}`}.${format.toLowerCase()}`;
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
  return activities.length;
}
