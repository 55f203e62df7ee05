/** Everything that is looked at in Bicep files, in one list of findings. None: they are right, as far as types can tell. */

import { type BicepFile, type BicepTexts, createBicepParser, type Finding, syntaxFindings } from "./bicep.ts";
import { moduleFindings } from "./modules.ts";
import { nameFindings } from "./names.ts";
import { policyFindings } from "./policy.ts";
import { propertyFindings } from "./properties.ts";
import type { TypeSnapshot } from "./type-snapshot.ts";

export type CheckBicep = (texts: BicepTexts) => {
  readonly files: readonly BicepFile[];
  readonly findings: readonly Finding[];
};

/** @param further what is looked at only when the files have no other fault: in those the rest is a guess */
export async function createCheck(
  types: TypeSnapshot,
  further: (files: readonly BicepFile[]) => Finding[] = () => [],
): Promise<CheckBicep> {
  const parse = await createBicepParser();
  return (texts) => {
    const files = [...texts].map(([path, text]) => parse(path, text));
    const broken = files.flatMap(syntaxFindings);
    // In a tree with holes everything else is a guess.
    if (broken.length > 0) return { files, findings: broken };
    const findings = files.flatMap((file) => [
      ...nameFindings(file),
      ...propertyFindings(file, types, files),
      ...moduleFindings(file, files),
      ...policyFindings(file),
    ]);
    return { files, findings: findings.length > 0 ? findings : further(files) };
  };
}
