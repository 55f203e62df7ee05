import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { rememberCallers } from "../shared/http/remembered-callers.ts";

const start = Date.UTC(2026, 10, 1);

beforeEach(() => {
  jest.useFakeTimers({ now: start });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Accepts every token but "bad"; each names the caller, and ends so many seconds after the start. */
function remember(endsAfter = 3600) {
  const validate = jest.fn(async (token: string) => {
    if (token.startsWith("bad")) throw new Error("The token is not valid.");
    return { caller: `caller of ${token}`, endsAt: start + endsAfter * 1000 };
  });
  return { validate, read: rememberCallers(validate) };
}

test("a token that was accepted is not validated again within a minute, and is after it", async () => {
  const { validate, read } = remember();
  expect(await read("a")).toBe("caller of a");
  jest.setSystemTime(start + 59_999);
  expect(await read("a")).toBe("caller of a");
  expect(validate).toHaveBeenCalledTimes(1);
  jest.setSystemTime(start + 60_000);
  expect(await read("a")).toBe("caller of a");
  expect(validate).toHaveBeenCalledTimes(2);
});

test("a token is not believed beyond its own end", async () => {
  const { validate, read } = remember(10);
  await read("a");
  jest.setSystemTime(start + 9_999);
  await read("a");
  expect(validate).toHaveBeenCalledTimes(1);
  jest.setSystemTime(start + 10_000);
  validate.mockRejectedValueOnce(new Error("The token has ended."));
  await expect(read("a")).rejects.toThrow("ended");
});

test("a token that is refused is validated every time", async () => {
  const { validate, read } = remember();
  await expect(read("bad")).rejects.toThrow("not valid");
  await expect(read("bad")).rejects.toThrow("not valid");
  expect(validate).toHaveBeenCalledTimes(2);
});

test("a token that differs in one character is another token", async () => {
  const { validate, read } = remember();
  await read("header.payload.signature");
  expect(await read("header.payload.signaturf")).toBe("caller of header.payload.signaturf");
  expect(validate).toHaveBeenCalledTimes(2);
});

test("when the clock is put back, the token is validated again", async () => {
  const { validate, read } = remember();
  await read("a");
  jest.setSystemTime(start - 1);
  await read("a");
  expect(validate).toHaveBeenCalledTimes(2);
});

test("a thousand are remembered, and the oldest makes room", async () => {
  const { validate, read } = remember();
  for (let caller = 0; caller <= 1_000; caller++) await read(String(caller));
  await read("1");
  expect(validate).toHaveBeenCalledTimes(1_001);
  await read("0");
  expect(validate).toHaveBeenCalledTimes(1_002);
});
