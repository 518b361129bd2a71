import { recordOf } from '../answer.ts';
import type { ApiErrorMeta } from '../apiError.ts';
import { type Classify, type ClassifyRules, classifyAnswer, fieldByWording } from '../classifyAnswer.ts';

const id = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;

/** Where a 409 names the customer that exists, it does so as `customer_id` or `customerId`, at the top or in `data`. */
function metaOf(body: Record<string, unknown>): ApiErrorMeta {
  const places = [body, recordOf(body['meta']) ?? {}, recordOf(body['data']) ?? {}];
  const existing = places
    .map((place) => id(place['customer_id'] ?? place['customerId']))
    .find((found) => found !== undefined);
  return existing === undefined ? {} : { existingId: existing };
}

const detail =
  /\b(e-?mail|phone_?number|phone|first_?name|last_?name|surname|balance|status|segments?|opt_in|template_id)\b/i;
const wrong = /invalid|not valid|must|should|not allowed|unknown|wrong|required|too long|too short|taken|in use/i;

function fieldOf(message: string): { field: string; code?: string } | undefined {
  const byWording = fieldByWording(message);
  if (byWording) return byWording;
  const named = detail.exec(message)?.[1];
  return named !== undefined && wrong.test(message) ? { field: named.toLowerCase().replace('-', '') } : undefined;
}

const rules: ClassifyRules = {
  record: /\b(customer|card|client)\b/i,
  otherThings: /\b(template|segment|workspace|company|account|route|endpoint)\b/i,
  metaOf,
  duplicate: /\bduplicated?\b|\balready (?:exists?|been taken|taken|in use|registered)\b/i,
  fieldOf,
};

/** What a refusal of Sticky Cards means (SPEC §2.6). Their error bodies are not documented (sticky-cards.md §1): read defensively. Pure. */
export const classifyStickyCards: Classify = (status, headers, body) => classifyAnswer(rules, status, headers, body);
