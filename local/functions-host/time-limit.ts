/** host.json's functionTimeout. The real host would restart the worker; here the handler goes on unseen. */

/** setTimeout takes no more. */
const longestTimer = 2 ** 31 - 1;

export async function withTimeLimit<T>(limitMs: number | undefined, run: Promise<T>): Promise<T> {
  if (limitMs === undefined) return await run;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const late = () => reject(new Error(`Timeout value of ${limitMs / 1000} s was exceeded.`));
    timer = setTimeout(late, Math.min(limitMs, longestTimer));
  });
  try {
    return await Promise.race([run, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
