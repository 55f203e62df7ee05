import { expect } from "@jest/globals";

/** @returns what the promise is rejected with, which it has to be */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const nothing = Symbol();
  const error = await promise.then(
    () => nothing,
    (thrown: unknown) => thrown,
  );
  expect(error).not.toBe(nothing);
  return error as Error;
}
