import type { z } from 'zod';
import { unprocessable } from './refusal.ts';
import type { World } from './world.ts';

/** A request that has passed authentication and rate limit. */
export interface Call {
  world: World;
  params: Readonly<Record<string, string>>;
  query: Readonly<Record<string, string>>;
  body: unknown;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** One row of the table in SPEC §4. */
export interface Endpoint {
  method: 'get' | 'post' | 'put';
  path: string;
  handle(call: Call): Answer;
}

export const ok = (body: Record<string, unknown>): Answer => ({ status: 200, body });
export const created = (body: Record<string, unknown>): Answer => ({ status: 201, body });

/** The body or query by its schema; 422 with a sentence per field otherwise. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw unprocessable(parsed.error);
  return parsed.data;
}

/** The part of the path that the route names; routes without it do not get here. */
export const param = (call: Call, name: string): string => call.params[name] ?? '';
