/** What the benchmark prints. */

import { cpus, totalmem } from "node:os";
import type { Figure } from "./figure.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
  };
}

export const isMet = ({ ratio, goal }: Figure): boolean => goal === undefined || ratio <= goal;

export function tableOf(figures: readonly Figure[]): string {
  const header = ["figure", "floor", "product", "", "ratio", "p10–p90", "rounds", "goal", ""];
  const rows = figures.map((figure) => [
    figure.name,
    short(figure.floor),
    short(figure.measured),
    figure.unit,
    figure.ratio.toFixed(2),
    figure.low === undefined ? "–" : `${figure.low.toFixed(2)}–${figure.high?.toFixed(2)}`,
    String(figure.rounds),
    figure.goal === undefined ? "–" : `≤ ${figure.goal}`,
    figure.goal === undefined ? "" : isMet(figure) ? "met" : "MISSED",
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 || column === 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [line(header), ...rows.map(line)].join("\n");
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
