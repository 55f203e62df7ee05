/** The page that stands for Entra's sign-in: it asks who you are, and believes it. It loads and runs nothing. */

import { createHash } from "node:crypto";
import { type Html, html } from "../../shared/http/html.ts";
import type { BrowserPerson } from "./browser-people.ts";
import type { Answer } from "./https-server.ts";

const style = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; }
main { max-width: 26rem; margin: 12vh auto 0; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
ul { list-style: none; margin: 1.5rem 0; padding: 0; }
li { margin: 0 0 .5rem; }
li a { display: block; padding: .75rem 1rem; border: 1px solid currentColor; border-radius: .375rem; color: inherit; text-decoration: none; }
li a:hover strong { text-decoration: underline; }
a:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
li span { display: block; }
`;
const styleHash = createHash("sha256").update(style).digest("base64");

/**
 * @param signInAs the address that signs a person in
 * @param cancel the address that goes back without a sign-in
 */
export function rolePage(
  people: readonly BrowserPerson[],
  signInAs: (person: BrowserPerson) => string,
  cancel: string,
): Answer {
  const choices = people.map(
    (person) =>
      html`<li><a href="${signInAs(person)}"><strong>${person.name}</strong> <span>${person.shownRole}</span></a></li>
`,
  );
  return page(
    200,
    "Sign in",
    html`<h1>Who are you?</h1>
<p>This stands in for Microsoft Entra on this machine. There are no passwords: choose a person.</p>
<ul>
${choices}</ul>
<p><a href="${cancel}">Cancel</a></p>`,
  );
}

export function signedOutPage(): Answer {
  return page(200, "Signed out", html`<h1>You signed out of your account</h1><p>You can close this window.</p>`);
}

/** For what must not go back to the application, because nobody can tell whether it is the right one. */
export function errorPage(status: number, message: string): Answer {
  return page(status, "Sign-in failed", html`<h1>Sorry, signing in did not work</h1><p>${message}</p>`);
}

function page(status: number, title: string, content: Html): Answer {
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Microsoft Entra (stand-in)</title>
<style>${{ markup: style }}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;
  return {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "Cache-Control": "no-store",
    },
    body: text.markup,
  };
}
