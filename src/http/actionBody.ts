import { textOf } from './rawText.ts';

type Body = Record<string, unknown>;

/**
 * The body of a call, JSON or a form, whatever its Content-Type says: workflows let people choose one and write the other.
 * `customData[message]`, `customData.message` and a repeated `add` of a form become what they are in JSON. null = neither.
 */
export function readActionBody(rawBody: Buffer): Body | null {
  const text = textOf(rawBody).trim();
  if (text === '') return rawBody.length === 0 ? {} : null;
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Body) : null;
  } catch {
    return /^[[{"]/.test(text) || !text.includes('=') ? null : formBody(text);
  }
}

const NESTED = /^(customData|location|workflow)(?:\[(\w+)\](\[\])?|\.(\w+))$/;

function formBody(text: string): Body {
  const body: Body = {};
  for (const [name, value] of new URLSearchParams(text)) {
    const nested = NESTED.exec(name);
    const inner = nested?.[2] ?? nested?.[4];
    if (!nested || inner === undefined) {
      put(body, name, value);
      continue;
    }
    const parent = nested[1] as string;
    if (!Object.hasOwn(body, parent) || typeof body[parent] !== 'object') body[parent] = {};
    put(body[parent] as Body, `${inner}${nested[3] ?? ''}`, value);
  }
  return body;
}

/** A name that is there again makes a list; one that ends in [] is a list from the start. */
function put(body: Body, name: string, value: string): void {
  if (name === '__proto__') return;
  const known = Object.hasOwn(body, name) ? body[name] : undefined;
  if (Array.isArray(known)) known.push(value);
  else if (known !== undefined || name.endsWith('[]')) body[name] = known === undefined ? [value] : [known, value];
  else body[name] = value;
}
