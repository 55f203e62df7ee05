/** Starts the page: words and colours, the reader, then one screen after another. */

import { createApi } from "./api.ts";
import { element } from "./element.ts";
import { chosenLanguage, loadWords } from "./language.ts";
import { Problem } from "./problem.ts";
import { problemMessage } from "./problem-message.ts";
import { type Route, routeOf } from "./route.ts";
import type { Context } from "./screen.ts";
import { comeBack, lastReader, type Session, type SignInConfig, SignInFailure, signIn } from "./session.ts";
import { type Shell, shell } from "./shell.ts";
import { noRoleScreen, signInScreen } from "./sign-in-screen.ts";
import { followTheme } from "./theme.ts";
import { timesIn } from "./times.ts";
import type { Words } from "./words.ts";

const root = document.querySelector("#page");
followTheme();
await start().catch((error: unknown) => {
  reportError(error);
  // Not even the words can be had.
  root?.replaceChildren(
    element("p", { role: "alert" }, "This service cannot be reached. このサービスに接続できません。"),
  );
});

async function start(): Promise<void> {
  const [words, config] = await Promise.all([loadWords(chosenLanguage()), readConfig()]);
  if (config === undefined) {
    const frame = shell(words, undefined, () => location.reload());
    root?.replaceChildren(frame.page);
    frame.show(offlineMessage(words));
    return;
  }
  let session: Session | undefined;
  let failure: string | undefined;
  try {
    session = await comeBack(config);
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    failure = error.code;
  }
  const last = lastReader();
  if (session === undefined && failure === undefined && last !== undefined) {
    // A reload has lost the tokens, not Entra's session.
    failure = await leaveForEntra(config, last.tenant, last.userName);
    if (failure === undefined) return;
  }
  await run(config, session, failure);
}

/**
 * Again when the reader wants another language: what was read is read anew, which nobody does often.
 *
 * @param before ends when the new one can begin
 */
async function run(
  config: SignInConfig,
  session: Session | undefined,
  failure?: string,
  before?: AbortController,
): Promise<void> {
  const language = chosenLanguage();
  const words = await loadWords(language);
  before?.abort();
  document.documentElement.lang = language;
  document.title = words.title;
  const leaving = new AbortController();
  const frame = shell(words, session, () => {
    run(config, session, failure, leaving).catch((error: unknown) => {
      reportError(error);
      frame.show(offlineMessage(words));
    });
  });
  root?.replaceChildren(frame.page);
  const leave = async (tenant: string, loginHint?: string) => {
    const problem = await leaveForEntra(config, tenant, loginHint);
    if (problem !== undefined) showSignIn(problem);
  };
  const showSignIn = (problem?: string) =>
    frame.show(signInScreen(words, config, (tenant) => void leave(tenant, session?.userName), problem));
  if (session === undefined) return showSignIn(failure);
  if (session.roles.length === 0) {
    document.title = `${words.signIn.noRole} – ${words.title}`;
    frame.show(noRoleScreen(words, session.userName));
    return;
  }
  const reader = session;
  const common = {
    ...{ api: createApi(() => reader.token()), words, times: timesIn(language), session: reader },
    announce: frame.announce,
    signInAgain: () => void leave(lastReader()?.tenant ?? config.tenants[0] ?? "", reader.userName),
  };
  followRoutes(frame, (signal) => ({ ...common, signal }), leaving.signal);
}

/** Each screen ends when the next one begins. */
function followRoutes(frame: Shell, contextOf: (signal: AbortSignal) => Context, ended: AbortSignal): void {
  let shown = new AbortController();
  let isFirst = true;
  const show = async () => {
    shown.abort();
    shown = new AbortController();
    const context = contextOf(AbortSignal.any([shown.signal, ended]));
    const route = routeOf(location.hash);
    const screen = await screenOf(route, context).catch((error: unknown) => {
      reportError(error);
      return offlineMessage(context.words);
    });
    if (context.signal.aborted) return;
    frame.show(screen, route.screen);
    // Where a new page would begin; not at the first one, where the reader has not gone anywhere yet.
    if (!isFirst) (screen.querySelector<HTMLElement>("h1") ?? screen).focus();
    isFirst = false;
    scrollTo(0, 0);
  };
  addEventListener("hashchange", () => void show(), { signal: ended });
  void show();
}

/** A part of the page cannot be had: the service is down, or there is a newer page. A reload helps against both. */
function offlineMessage(words: Words): HTMLElement {
  const offline = new Problem({ code: "Offline", message: "", details: [] });
  return problemMessage(offline, { words, signInAgain: () => undefined }, { tryAgain: () => location.reload() });
}

/** What the first look does not need is loaded when it is gone to. */
async function screenOf(route: Route, context: Context): Promise<HTMLElement> {
  switch (route.screen) {
    case "customer":
      return (await import("./customer-screen.ts")).customerScreen(context, route.customerId);
    case "activities":
      return (await import("./activities-screen.ts")).activitiesScreen(context, route.query);
    case "guidance":
      return (await import("./guidance-screen.ts")).guidanceScreen(context);
    case "customers":
      return (await import("./customers-screen.ts")).customersScreen(context, route.query);
  }
}

async function readConfig(): Promise<SignInConfig | undefined> {
  const response = await fetch("/ui/config.json").catch(() => undefined);
  return response?.ok ? ((await response.json()) as SignInConfig) : undefined;
}

/** @returns why it cannot be done; undefined: the page is left */
async function leaveForEntra(config: SignInConfig, tenant: string, loginHint?: string): Promise<string | undefined> {
  return signIn(config, tenant, loginHint).then(
    () => undefined,
    (error: unknown) => {
      reportError(error);
      return "unavailable";
    },
  );
}
