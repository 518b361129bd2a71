/** The style sheet of `/docs`: served from here, so that the page needs nothing from elsewhere. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --fg: #1c2230; --dim: #565f73; --bg: #fff; --soft: #f3f5f9; --line: #d9dee8; --link: #1d4fd7;
  --get: #1f6b45; --post: #8a4b08; --patch: #5b3fa8; --delete: #a3262a; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9f0; --dim: #a3adc2; --bg: #12151c; --soft: #1b202b; --line: #333b4c;
  --link: #8fb1ff; --get: #7fd6a8; --post: #f0b36b; --patch: #bca6ff; --delete: #ff9a9c; } }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.55 system-ui, sans-serif; color: var(--fg); background: var(--bg); display: grid;
  grid-template-columns: 17rem minmax(0, 1fr); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; } .skip:focus { left: 1rem; top: 1rem; background: var(--bg); padding: .5rem; }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid var(--line);
  background: var(--soft); font-size: 14px; }
nav h2 { font-size: 14px; margin: 1.1rem 0 .2rem; } nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .2rem 0; } nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
main { padding: 1rem 2rem 4rem; max-width: 62rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; overflow-wrap: anywhere; } h4 { font-size: .9rem; margin: .9rem 0 .2rem; }
article { border: 1px solid var(--line); border-radius: 8px; padding: 1rem; margin: 1rem 0; scroll-margin-top: 1rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; } pre { background: var(--soft); padding: .7rem; overflow: auto; border-radius: 6px; }
.method { font-size: 12px; font-weight: 700; } .get { color: var(--get); } .post { color: var(--post); }
.patch { color: var(--patch); } .delete { color: var(--delete); }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); font-weight: 400; }
dl { display: grid; grid-template-columns: 3rem minmax(0, 1fr); margin: 0; } dt { font-weight: 600; } dd { margin: 0 0 .3rem; }
.schema { margin: .2rem 0; padding-left: 1.1rem; } .about { color: var(--dim); }
@media (max-width: 48rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; } main { padding: 1rem; } }
`;
