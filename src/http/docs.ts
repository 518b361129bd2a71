import { type Request, type Response, Router } from 'express';
import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { InputRules } from './api/connectionInput.ts';
import { DOCS_STYLE } from './docsStyle.ts';
import { openApiDocument } from './openapi.ts';

type Html = ComponentChildren;
type Part = Html | Record<string, string>;

// The types of htm describe its CommonJS build. Text is escaped when the page is rendered.
const tag = (
  htm as unknown as { bind(make: typeof h): (strings: TemplateStringsArray, ...parts: Part[]) => Html }
).bind(h);
const html = (strings: TemplateStringsArray, ...parts: Part[]): Html => tag(strings, ...parts);

/** What the page shows of a JSON schema. */
interface Schema {
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  anyOf?: Schema[];
  $ref?: string;
}
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema?: Schema;
}
type Content = Record<string, { schema?: Schema; example?: unknown }>;
interface Call {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
}
interface Document {
  info: { title: string; description?: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Call>>;
  components: { schemas: Record<string, Schema> };
}

const POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `GET /docs`: the document for people, made on the server, without a script; to be put behind its authentication. */
export function docsRouter(rules: InputRules): Router {
  const router = Router();
  let page: string | null = null;
  router.get('/docs', (_req: Request, res: Response) => {
    page ??= docsPage(openApiDocument(rules) as unknown as Document);
    res.set({ 'content-security-policy': POLICY, 'cache-control': 'no-cache' }).type('html').send(page);
  });
  router.get('/docs/style.css', (_req: Request, res: Response) => {
    res.set('cache-control', 'no-cache').type('css').send(DOCS_STYLE);
  });
  return router;
}

function docsPage(document: Document): string {
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>API · ${document.info.title}</title>
      <link rel="stylesheet" href="/docs/style.css" />
    </head>
    <body>
      <a class="skip" href="#content">Skip to the content</a>
      <nav aria-label="Calls">
        <p><a href="/">Dashboard</a> · <a href="/openapi.json">openapi.json</a></p>
        ${document.tags.map(({ name }) => menuOf(document, name))}
        <h2>Shapes</h2>
        <ul>
          ${Object.keys(document.components.schemas).map((name) => html`<li><a href=${`#${name}`}>${name}</a></li>`)}
        </ul>
      </nav>
      <main id="content" tabindex="-1">
        <h1>API of ${document.info.title}</h1>
        <p>${document.info.description}</p>
        <pre>curl -H "Authorization: Bearer $ADMIN_TOKEN" "$BASE/api/overview"</pre>
        ${document.tags.map(({ name }) => sectionOf(document, name))}
        <h2>Shapes</h2>
        ${Object.entries(document.components.schemas).map(
          ([name, schema]) =>
            html`<article id=${name}>
              <h3>${name}</h3>
              ${schemaOf(schema, 0)}
            </article>`,
        )}
      </main>
    </body>
  </html>`;
  return `<!doctype html>\n${renderToString(page as VNode)}`;
}

const callsOf = (document: Document, tagName: string) =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, call]) => call.tags?.includes(tagName))
      .map(([method, call]) => ({ path, method: method.toUpperCase(), call })),
  );

const anchorOf = (method: string, path: string) => `${method.toLowerCase()}${path.replace(/[^a-zA-Z0-9]+/g, '-')}`;

const capital = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

function menuOf(document: Document, name: string): Html {
  return html`<h2>${capital(name)}</h2>
    <ul>
      ${callsOf(document, name).map(
        ({ path, method, call }) => html`<li><a href=${`#${anchorOf(method, path)}`}>${call.summary}</a></li>`,
      )}
    </ul>`;
}

function sectionOf(document: Document, name: string): Html {
  return html`<h2>${capital(name)}</h2>
    ${callsOf(document, name).map(
      ({ path, method, call }) =>
        html`<article id=${anchorOf(method, path)}>
          <h3><span class=${`method ${method.toLowerCase()}`}>${method}</span> <code>${path}</code></h3>
          <p><strong>${call.summary}.</strong> ${call.description ?? ''}</p>
          ${parametersOf(call.parameters ?? [])} ${bodyOf(call)} ${answersOf(call)}
        </article>`,
    )}`;
}

function parametersOf(parameters: readonly Parameter[]): Html {
  if (parameters.length === 0) return null;
  return html`<div class="wide" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">In</th>
          <th scope="col">Value</th>
          <th scope="col">Meaning</th>
        </tr>
      </thead>
      <tbody>
        ${parameters.map(
          (p) =>
            html`<tr>
              <th scope="row"><code>${p.name}</code>${p.required ? ' (needed)' : ''}</th>
              <td>${p.in}</td>
              <td>${typeOf(p.schema ?? {})}</td>
              <td>${p.description ?? ''}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function bodyOf({ requestBody }: Call): Html {
  const content = Object.values(requestBody?.content ?? {})[0];
  if (!content?.schema) return null;
  return html`<h4>Body</h4>
    ${schemaOf(content.schema, 0)}
    ${content.example === undefined ? null : html`<pre>${JSON.stringify(content.example, null, 2)}</pre>`}`;
}

function answersOf(call: Call): Html {
  return html`<h4>Answers</h4>
    <dl>
      ${Object.entries(call.responses).map(
        ([status, { description, content }]) =>
          html`<dt>${status}</dt>
            <dd>
              ${description}
              ${
                Number(status) < 300
                  ? Object.values(content ?? {})
                      .slice(0, 1)
                      .map((c) => schemaOf(c.schema ?? {}, 1))
                  : null
              }
            </dd>`,
      )}
    </dl>`;
}

/** A type in words: `text or null`, `list of Run`. */
function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return html`<a href=${`#${name}`}>${name}</a>`;
  }
  if (schema.enum) return html`${schema.enum.map((value) => html`<code>${JSON.stringify(value)}</code> `)}`;
  if (schema.anyOf) return schema.anyOf.map((each, i) => html`${i > 0 ? ' or ' : ''}${typeOf(each)}`);
  if (schema.items) return html`list of ${typeOf(schema.items)}`;
  const types = [schema.type ?? 'anything'].flat();
  return `${types.join(' or ')}${schema.format === undefined ? '' : ` (${schema.format})`}`;
}

/** Properties with their types; what lies deeper than three levels is named only. */
function schemaOf(schema: Schema, depth: number): Html {
  const { properties, items } = schema;
  if (!properties && items && depth < 3) return html`<div>list of ${schemaOf(items, depth + 1)}</div>`;
  if (!properties)
    return schema.anyOf ? schema.anyOf.map((each) => schemaOf(each, depth + 1)) : html`<div>${typeOf(schema)}</div>`;
  return html`<ul class="schema">
    ${Object.entries(properties).map(
      ([name, value]) =>
        html`<li>
          <code>${name}</code>${schema.required?.includes(name) ? '' : '?'}: ${typeOf(value)}
          ${value.description === undefined ? null : html` <span class="about">${value.description}</span>`}
          ${value.properties && depth < 3 ? schemaOf(value, depth + 1) : null}
          ${value.items?.properties && depth < 3 ? schemaOf(value.items, depth + 1) : null}
        </li>`,
    )}
  </ul>`;
}
