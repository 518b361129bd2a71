import type { Request, Response } from 'express';
import { z } from 'zod';
import { isStorable, NOT_STORABLE, unstorableIn } from '../../domain/storableText.ts';
import { AppError } from '../../errors.ts';

/** A word of a list. `spelled` brings what was sent to the list's spelling, so that `failed` finds `FAILED`. */
export const oneOf = <const T extends readonly string[]>(values: T, spelled = (text: string) => text.toLowerCase()) =>
  z
    .string({ error: `use one of ${values.join(', ')}` })
    .transform((text, context): T[number] => {
      const value = spelled(text);
      if ((values as readonly string[]).includes(value)) return value as T[number];
      context.addIssue({ code: 'custom', message: `use one of ${values.join(', ')}` });
      return z.NEVER;
    })
    .meta({ type: 'string', enum: [...values] });

export const upperCase = (text: string) => text.toUpperCase();

/** An id or a name as part of a filter. */
export const idText = z
  .string({ error: 'write it as text, once' })
  .trim()
  .min(1, 'is empty: leave it out or fill it in')
  .max(255, 'is longer than 255 characters');

/** Checks a query or a body. Throws `invalid_parameter` (400) that names the first field and the remedy. */
export function parse<T extends z.ZodObject>(schema: T, value: unknown): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) {
    // What was read out of it, so that the id in a cursor is looked at too.
    const field = unstorableIn(result.data);
    if (field !== null) throw invalid(field, NOT_STORABLE);
    return result.data;
  }
  const [issue] = result.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    const field = [...issue.path, issue.keys[0] ?? ''].join('.');
    const known = Object.keys(schema.shape);
    const instead = known.length === 0 ? 'nothing is taken here' : `known are ${known.join(', ')}`;
    throw invalid(field, `is not known: take it out or correct it (${instead})`);
  }
  throw invalid(issue?.path.join('.') ?? '', issue?.message ?? 'cannot be used');
}

export function invalid(field: string, message: string): AppError {
  const name = field === '' ? 'body' : field;
  return new AppError('invalid_parameter', `${name}: ${message}`, { httpStatus: 400, details: { field: name } });
}

export const noParameters = z.strictObject({});

/** The body of a request; an empty one counts as `{}`. Nothing is taken in the query unless `query` says so. */
export function parseBody<T extends z.ZodObject>(
  schema: T,
  req: Request,
  query: z.ZodObject = noParameters,
): z.infer<T> {
  parse(query, req.query);
  return parse(schema, (req.body as unknown) ?? {});
}

/** One part of the path. Throws `invalid_parameter` (400) for what cannot be text. */
export function pathPart(req: Request, name: string): string {
  const part = String(req.params[name] ?? '');
  if (!isStorable(part)) throw invalid(name, NOT_STORABLE);
  return part;
}

/** Who is asking, for the audit log: whatever authenticated the request may have put a name there. */
export const actorOf = (res: Response): string => {
  const { actor } = res.locals as { actor?: unknown };
  return typeof actor === 'string' ? actor : 'api';
};
