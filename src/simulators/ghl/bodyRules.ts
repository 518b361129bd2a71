import { unprocessable } from './refusals.ts';

/** A rule answers with what is wrong with a value, in the words of GHL's validator; nothing wrong is an empty list. */
export type Rule = (value: unknown, at: string) => string[];
export type Shape = Record<string, Rule>;

const when = (ok: boolean, message: string): string[] => (ok ? [] : [message]);

export const text: Rule = (value, at) => when(typeof value === 'string', `${at} must be a string`);
export const flag: Rule = (value, at) => when(typeof value === 'boolean', `${at} must be a boolean value`);
export const number: Rule = (value, at) =>
  when(
    typeof value === 'number' && Number.isFinite(value),
    `${at} must be a number conforming to the specified constraints`,
  );
export const anything: Rule = () => [];
export const nullable =
  (rule: Rule): Rule =>
  (value, at) =>
    value === null ? [] : rule(value, at);
export const oneOf =
  (...values: string[]): Rule =>
  (value, at) =>
    when(values.includes(value as string), `${at} must be one of the following values: ${values.join(', ')}`);

export const listOf =
  (rule: Rule): Rule =>
  (value, at) =>
    Array.isArray(value) ? value.flatMap((item, i) => rule(item, `${at}.${i}`)) : [`${at} must be an array`];

export const textList: Rule = (value, at) =>
  Array.isArray(value)
    ? when(
        value.every((item) => typeof item === 'string'),
        `each value in ${at} must be a string`,
      )
    : [`${at} must be an array`];

export const isoTime: Rule = (value, at) =>
  when(
    typeof value === 'string' && /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(value) && !Number.isNaN(Date.parse(value)),
    `${at} must be a valid ISO 8601 date string`,
  );

export const object =
  (shape: Shape, required: readonly string[] = []): Rule =>
  (value, at) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return [`${at} must be an object`];
    return problemsOf(value as Record<string, unknown>, shape, required, `${at}.`);
  };

function problemsOf(body: Record<string, unknown>, shape: Shape, required: readonly string[], prefix = ''): string[] {
  const problems: string[] = [];
  for (const name of Object.keys(body)) {
    // The whitelist is strict: one unknown property refuses the whole body (ghl.md §4).
    if (!Object.hasOwn(shape, name)) problems.push(`${prefix}property ${name} should not exist`);
  }
  for (const [name, rule] of Object.entries(shape)) {
    const value = body[name];
    if (value !== undefined) problems.push(...rule(value, `${prefix}${name}`));
    else if (required.includes(name)) problems.push(`${prefix}${name} should not be empty`);
  }
  return problems;
}

/** The body, if it is an object with no other than these properties and the required ones there; else 422. */
export function checkedBody(body: unknown, shape: Shape, required: readonly string[] = []): Record<string, unknown> {
  const value = body ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw unprocessable(['body must be an object']);
  const problems = problemsOf(value as Record<string, unknown>, shape, required);
  if (problems.length > 0) throw unprocessable(problems);
  return value as Record<string, unknown>;
}
