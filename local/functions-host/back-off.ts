/** Waits between polls of an idle queue (host: RandomizedExponentialBackoffStrategy.cs); a wake-up ends one early. */

const shortest = 100;

export class BackOff {
  readonly #longest: number;
  #current = shortest;
  #wake: () => void = () => undefined;

  constructor(longest: number) {
    this.#longest = longest;
  }

  reset(): void {
    this.#current = shortest;
  }

  async wait(): Promise<void> {
    const delay = this.#current;
    this.#current = Math.min(this.#longest, delay * 2 * (0.8 + Math.random() * 0.4));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake(): void {
    this.reset();
    this.#wake();
  }
}
