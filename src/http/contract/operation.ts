import { z } from 'zod';

/** One call of the JSON API as `/openapi.json` describes it; `query` and `body` are the schemas that the route checks with. */
export interface Operation {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** As OpenAPI writes it: `/api/runs/{id}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  query?: z.ZodObject;
  body?: z.ZodObject;
  answers: Readonly<Record<number, Answer>>;
  /** Refusals besides 400 and 401, which every call has. */
  refusals?: Readonly<Record<number, string>>;
}

export interface Answer {
  description: string;
  /** Left out: an answer without a body. */
  schema?: z.ZodType;
  /** JSON when left out. */
  contentType?: string;
  /** Also as text of this type, when asked for. */
  orAs?: string;
}

/** Names the schema, so that the document writes it down once. */
export const named = <T extends z.ZodType>(name: string, schema: T): T => schema.meta({ ...schema.meta(), id: name });

/** A page of a list: `nextCursor` null = this was the last one. */
export const pageOf = (item: z.ZodType) =>
  z.strictObject({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'For ?cursor=; null on the last page.' }),
  });

/** A named schema or null: `.nullable()` would lose the null beside the reference. */
export const orNull = (schema: z.ZodType) => z.union([schema, z.null()]);

export const instant = z.iso.datetime().meta({ example: '2026-03-20T15:00:00.000Z' });
export const instantOrNull = instant.nullable();
export const textOrNull = z.string().nullable();
export const numberOrNull = z.number().nullable();
export const anything = z.record(z.string(), z.unknown());

/** Every refusal (RFC 9457). */
export const problem = named(
  'Problem',
  z
    .looseObject({
      type: z.string().meta({ example: 'urn:sticky-ghl:problem:invalid_parameter' }),
      title: z.string(),
      status: z.int(),
      detail: z.string().meta({ description: 'What is wrong and what to do.' }),
      code: z.string().meta({ description: 'Stable, for programs.' }),
      field: z.string().optional().meta({ description: 'The parameter that it is about.' }),
    })
    .meta({ description: 'A refusal in the form of RFC 9457.' }),
);

/** The answers of a call that shows one thing, or a page of a list. */
export const one = (description: string, schema: z.ZodType) => ({ 200: { description, schema } });
export const list = (description: string, schema: z.ZodType) => ({ 200: { description, schema: pageOf(schema) } });
export const unknown = (what: string) => ({ 404: `There is no such ${what}.` });
