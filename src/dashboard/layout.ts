import { type Page, type PageContext, SECTIONS, type Section } from './context.ts';
import { type Html, html, render } from './html.ts';
import { noticeText } from './notices.ts';

const head = (title: string, styles: readonly string[], scripts: readonly string[]): Html => html`
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <meta name="robots" content="noindex" />
    <title>${title} · Sticky ↔ GHL</title>
    <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
    ${['dashboard.css', ...styles].map((name) => html`<link rel="stylesheet" href=${`/assets/${name}`} />`)}
    ${scripts.map((name) => html`<script defer src=${`/assets/${name}`}></script>`)}
  </head>
`;

const brand = (): Html =>
  html`<a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22" /> Sticky ↔ GHL</a>`;

function navigation(active: Section | null, openProblems: number): Html {
  const sections = Object.entries(SECTIONS) as [Section, (typeof SECTIONS)[Section]][];
  return html`<nav class="main" aria-label="Main">
    ${sections.map(
      ([name, { path, title }]) =>
        html`<a href=${path} aria-current=${name === active ? 'page' : null}
          >${title}${
            name === 'problems' && openProblems > 0
              ? html`<span class="count bad">${openProblems}<span class="away"> open</span></span>`
              : null
          }</a
        >`,
    )}
  </nav>`;
}

export interface Surroundings {
  openProblems: number;
  sandbox: boolean;
  /** Above every page: all runs are stopped. */
  stopped: string | null;
}

/** A page for somebody who is signed in. */
export function document(ctx: PageContext, page: Page, around: Surroundings): string {
  const notice = noticeText(ctx.query);
  return render(html`
    <html lang="en">
      ${head(page.title, page.styles ?? [], ['dashboard.js', ...(page.scripts ?? [])])}
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <header class="top">
          ${brand()}
          <form class="find" method="get" action="/customers" role="search">
            <label class="away" for="find">Find a customer</label>
            <input id="find" type="search" name="q" placeholder="Name, e-mail, phone, id" autocomplete="off" />
            <button type="submit">Find</button>
          </form>
          <div class="who">
            <span>${ctx.user.name}${ctx.mayWrite ? null : html` <span class="badge mute">viewer</span>`}</span>
            <form method="post" action="/logout" class="inline">
              <input type="hidden" name="csrf" value=${ctx.csrf} />
              <button type="submit" class="plain">Sign out</button>
            </form>
          </div>
        </header>
        ${navigation(page.section, around.openProblems)}
        <main id="content" tabindex="-1">
          ${
            around.sandbox
              ? html`<p class="ribbon">Sandbox: both sides are simulated on this machine, nothing leaves it.</p>`
              : null
          }
          ${around.stopped === null ? null : html`<p class="ribbon warn">${around.stopped}</p>`}
          ${notice === null ? null : html`<p class="notice" role="status">${notice}</p>`}
          ${
            page.trail
              ? html`<p class="trail">${page.trail.map(({ href, text }) => html`<a href=${href}>${text}</a> / `)}</p>`
              : null
          }
          <h1>${page.title}</h1>
          ${page.body}
        </main>
      </body>
    </html>
  `);
}

/** A page for whoever comes along: sign-in, and what goes wrong before it. */
export const plainDocument = (title: string, body: Html): string =>
  render(html`
    <html lang="en">
      ${head(title, [], ['dashboard.js'])}
      <body class="alone">
        <main id="content">
          <p>${brand()}</p>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html>
  `);
