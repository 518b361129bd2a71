import type { Problem } from './problem.ts';

/** SPEC §2.1, 1. */
export const BODY_BYTES_MAX = 1024 * 1024;

export const refusal = (status: number, code: string, title: string, detail: string, field?: string): Problem => ({
  status,
  code,
  title,
  detail,
  ...(field !== undefined && { field }),
});

export const POST_ONLY: Problem = {
  ...refusal(405, 'post_only', 'Only POST is taken here', 'Webhooks are sent with POST.'),
  headers: { allow: 'POST' },
};

export const TOO_LARGE = refusal(
  413,
  'too_large',
  'The body is too large',
  'A delivery may have up to 1 MiB (1,048,576 bytes).',
);

export const UNKNOWN_CONNECTION = refusal(
  404,
  'unknown_connection',
  'There is no such connection',
  'The address names a connection that is not set up here. Copy the address from the set-up page.',
);

export const NOT_JSON = refusal(
  400,
  'malformed_json',
  'The body is not JSON',
  'The body has to be one JSON object in UTF-8.',
);
