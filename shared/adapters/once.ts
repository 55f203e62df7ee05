/** Something that is made on first use and kept. */

/** @returns a function that makes the thing once, also when many ask at the same time; a failure is not kept */
export function once<Thing>(make: () => Promise<Thing>): () => Promise<Thing> {
  let made: Promise<Thing> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
