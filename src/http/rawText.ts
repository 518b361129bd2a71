import { isUtf8 } from 'node:buffer';
import { storable } from '../platforms/stickycards/readers.ts';

export { storable };

/** A body as text: '' for what is not UTF-8; without the byte order mark that some senders put first. */
export function textOf(rawBody: Buffer): string {
  if (!isUtf8(rawBody)) return '';
  const text = rawBody.toString('utf8');
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const HEADER_LENGTH_MAX = 255;

/** The named ones of the headers, cut to a sensible length: what is kept of a request beside its body. */
export function pickHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string' && value.trim() !== '')
      kept[name] = storable(value.trim().slice(0, HEADER_LENGTH_MAX));
  }
  return kept;
}
