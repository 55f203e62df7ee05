/** Stops waiting for something that cannot be stopped itself, such as a token request of MSAL. */

/**
 * @returns what the promise gives, if it comes before the signal
 * @throws the signal's reason otherwise; the promise goes on, unobserved
 */
export async function withinDeadline<Thing>(promise: Promise<Thing>, deadline: AbortSignal): Promise<Thing> {
  deadline.throwIfAborted();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(deadline.reason);
  deadline.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([promise, late]);
  } finally {
    deadline.removeEventListener("abort", giveUp);
    promise.catch(() => undefined);
  }
}
