import htm from 'htm';
import { type ComponentChildren, h, type VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

/** A piece of a page. Text in it is escaped when the page is rendered: nothing here builds HTML as text. */
export type Html = ComponentChildren;

/** What stands in a template: pieces, text, and values of attributes. */
type Part = Html | Record<string, string | number | boolean | null | undefined>;

// The types of htm describe its CommonJS build.
const tag = (
  htm as unknown as { bind(make: typeof h): (strings: TemplateStringsArray, ...parts: Part[]) => Html }
).bind(h);

const spaced = new WeakMap<TemplateStringsArray, TemplateStringsArray>();

/** htm drops a line break beside text; here it is a space, as everywhere in HTML, so that lines may be broken anywhere. */
function withSpaces(strings: TemplateStringsArray): TemplateStringsArray {
  const known = spaced.get(strings);
  if (known) return known;
  const last = strings.length - 1;
  const texts = strings.map((text, i) => {
    const begun = i === 0 ? text.replace(/^\s*\n\s*/, '') : text;
    const ended = i === last ? begun.replace(/\s*\n\s*$/, '') : begun;
    return ended.replace(/\s*\n\s*/g, ' ');
  });
  const made = texts as unknown as TemplateStringsArray;
  spaced.set(strings, made);
  return made;
}

/** `html\`<p>${text}</p>\`` makes a piece of a page; the text is escaped. */
export const html = (strings: TemplateStringsArray, ...parts: Part[]): Html => tag(withSpaces(strings), ...parts);

/** A whole document as text. */
export const render = (document: Html): string => `<!doctype html>\n${renderToString(document as VNode)}`;
