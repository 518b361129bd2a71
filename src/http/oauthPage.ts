import type { Response } from 'express';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES[c] as string);

export interface OAuthPage {
  status: number;
  title: string;
  /** Paragraphs, plain text. */
  text: string[];
  link?: { href: string; text: string };
  /** For who reads the page with a program. */
  code?: string;
}

/** A page that works in any browser, without scripts and without anything from elsewhere. */
export function sendPage(res: Response, { status, title, text, link, code }: OAuthPage): void {
  const paragraphs = text.map((line) => `<p>${escaped(line)}</p>`).join('\n');
  const further = link === undefined ? '' : `<p><a href="${escaped(link.href)}">${escaped(link.text)}</a></p>`;
  res
    .status(status)
    .set('cache-control', 'no-store')
    .set('referrer-policy', 'no-referrer')
    .type('html')
    .send(
      `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title></head>
<body${code === undefined ? '' : ` data-code="${escaped(code)}"`}><main>
<h1>${escaped(title)}</h1>
${paragraphs}
${further}
</main></body></html>
`,
    );
}
