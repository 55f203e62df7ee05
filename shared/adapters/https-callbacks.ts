/**
 * Posts to callback URLs, which others have chosen: no redirect is followed, nothing of the answer is read but its
 * status and `Retry-After`, and nothing that is told of a failure holds the URL.
 */

import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import type { CallbackAnswer } from "../domain/delivery.ts";
import { foreignCode } from "../domain/foreign-words.ts";
import type { Callbacks } from "../ports.ts";
import { keepPathSecret } from "./outgoing-calls.ts";

const answerMilliseconds = 10_000;

/** Not with `fetch`: it follows redirects unless told otherwise, and a cold start would pay for it. */
export const httpsCallbacks: Callbacks = {
  post: (callbackUrl, { headers, body }) =>
    new Promise<CallbackAnswer>((resolve) => {
      const signal = AbortSignal.timeout(answerMilliseconds);
      const length = String(Buffer.byteLength(body));
      const call = request(callbackUrl, {
        method: "POST",
        headers: { ...headers, "content-length": length, "user-agent": "customer-purchase-permissions" },
        signal,
      });
      keepPathSecret(call);
      call.on("response", (answer: IncomingMessage) => {
        answer.on("error", () => undefined).resume();
        // A receiver may go on talking; we do not listen.
        setImmediate(() => call.destroy());
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] });
      });
      call.on("error", (error: Error & { readonly code?: unknown }) => {
        resolve({ failure: signal.aborted ? "Timeout" : (foreignCode(error.code) ?? "NoAnswer") });
      });
      call.end(body);
    }),
};
