/** How the page about the API looks: light or dark as the reader's system is, and one column on a phone. */

export const apiPageStyle = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1b1a19, #f3f2f1);
  --quiet: light-dark(#605e5c, #b3b0ad);
  --page: light-dark(#faf9f8, #1b1a19);
  --card: light-dark(#ffffff, #252423);
  --line: light-dark(#d2d0ce, #484644);
  --link: light-dark(#005a9e, #6cb8f6);
  --code: light-dark(#f3f2f1, #323130);
  --good: light-dark(#0b6a0b, #92c353);
  --bad: light-dark(#a4262c, #f1707b);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0 auto;
  padding: 1.5rem 1rem 4rem;
  max-width: 60rem;
  color: var(--text);
  background: var(--page);
  font: 1rem/1.5 "Segoe UI", system-ui, sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4 { line-height: 1.25; text-wrap: balance; }
h1 { margin: 0 0 .5rem; font-size: 1.9rem; }
h2 { margin: 3rem 0 .25rem; font-size: 1.4rem; }
h3 { margin: 0; font-size: 1.15rem; }
h4 { margin: 1.25rem 0 .25rem; font-size: .95rem; }
p { margin: .5rem 0; max-width: 48rem; }
a { color: var(--link); }
a:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font: .875rem/1.5 "Cascadia Mono", Consolas, ui-monospace, monospace; }
code { padding: .1em .3em; border-radius: 3px; background: var(--code); }
pre { margin: .5rem 0; padding: .75rem; border-radius: 4px; background: var(--code); overflow-x: auto; overflow-wrap: normal; }
pre code { padding: 0; }
article {
  margin: 1rem 0;
  padding: 1rem;
  border: 1px solid var(--line);
  border-radius: 6px;
  background: var(--card);
}
nav { margin: 1.5rem 0; }
nav ul { margin: 0; padding: 0; list-style: none; columns: 18rem; }
nav li { break-inside: avoid; padding: .1rem 0; }
dl { margin: .25rem 0; }
dl > div { padding: .4rem 0; border-top: 1px solid var(--line); }
dt { font-weight: 600; }
dd { margin: 0; }
.quiet { color: var(--quiet); font-weight: 400; }
.method { font-weight: 700; color: var(--link); }
.good { color: var(--good); }
.bad { color: var(--bad); }
@media (min-width: 44rem) {
  dl > div { display: grid; grid-template-columns: 17rem 1fr; gap: 1rem; }
}
`;
