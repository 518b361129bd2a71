import { type AnswerHeaders, isHtml, messagesOf, recordOf, shortMessage } from './answer.ts';
import type { ApiErrorClass, ApiErrorMeta } from './apiError.ts';

/** What a refusal means. `message` is short and masked; `field` as the remote names it. */
export interface Classified {
  class: ApiErrorClass;
  code: string;
  message: string;
  field?: string;
  meta?: ApiErrorMeta;
}

export type Classify = (status: number, headers: AnswerHeaders, body: unknown, method: string) => Classified;

/** How one side words its refusals; everything else is the same for both. */
export interface ClassifyRules {
  /** The record that our calls are about; "… not found" of anything else is not a record that is gone. */
  record: RegExp;
  /** Things that a body can point to besides the record: their absence is a wrong setting, not a lost record. */
  otherThings: RegExp;
  /** Ids of the record in the way, read from the body. */
  metaOf: (body: Record<string, unknown>) => ApiErrorMeta;
  duplicate: RegExp;
  /** The field that a message names, in the remote's spelling; undefined = none. */
  fieldOf: (message: string) => { field: string; code?: string } | undefined;
}

const noRoute = /^cannot (get|post|put|patch|delete) \//i;
const notFound = /\bnot found\b|\bno longer exists?\b|\bdoes not exist\b|\bis deleted\b|\bhas been deleted\b/i;
const aboutScope = /\bscopes?\b|\bpermissions?\b/i;

const codeOf = (body: unknown, fallback: string): string => {
  const code = recordOf(body)?.['code'];
  return typeof code === 'string' && /^[A-Za-z][\w-]{2,59}$/.test(code) ? code.toLowerCase() : fallback;
};

/**
 * The class of an answer that is not a 2xx, in the order of SPEC §2.6: gone, conflict, field, validation, auth/scope,
 * rate, transient. `status` 0 = no answer. A page of HTML is never the API speaking: a proxy's 404 must not unlink anybody.
 */
export function classifyAnswer(
  rules: ClassifyRules,
  status: number,
  headers: AnswerHeaders,
  body: unknown,
): Classified {
  const messages = isHtml(headers, body) ? [] : messagesOf(body);
  const text = messages.join('; ');
  const said = shortMessage(messages);
  const make = (kind: ApiErrorClass, more: Partial<Classified> = {}): Classified => ({
    class: kind,
    code: codeOf(body, kind),
    message: `${more.field === undefined ? '' : `${more.field}: `}${status} ${said === '' ? kind : said}`,
    ...more,
  });

  if (status === 429) {
    return headers['x-ratelimit-daily-remaining']?.trim() === '0'
      ? make('daily_budget', { code: 'daily_budget' })
      : make('rate_limited', { code: 'rate_limited' });
  }
  if (isHtml(headers, body))
    return { class: 'transient', code: 'html_answer', message: `${status} answered with an HTML page` };
  if (status < 400 || status >= 500 || status === 408 || status === 425) return make('transient');
  if (status === 401) return aboutScope.test(text) ? make('scope') : make('auth');
  if (status === 403) return make('scope');

  const meta = rules.metaOf(recordOf(body) ?? {});
  const inMessages = messages.map((message) => rules.fieldOf(message)).find((found) => found !== undefined);
  const hasMeta = Object.keys(meta).length > 0;

  if (noRoute.test(text)) return make('validation', { code: 'no_such_route' });
  const aboutRecord = rules.record.test(text) || !rules.otherThings.test(text);
  if (status === 410 || (status === 404 && aboutRecord)) return make('gone', { code: 'gone' });
  if (status === 400 && notFound.test(text) && aboutRecord && inMessages === undefined)
    return make('gone', { code: 'gone' });

  if (status === 409 || meta.contactId !== undefined || rules.duplicate.test(text)) {
    const field = meta.matchingField ?? inMessages?.field;
    return make('conflict', { ...(field === undefined ? {} : { field }), ...(hasMeta ? { meta } : {}) });
  }
  if (inMessages !== undefined && (status === 400 || status === 404 || status === 422)) {
    return make('field', { field: inMessages.field, code: inMessages.code ?? codeOf(body, 'field') });
  }
  return make('validation');
}

const notAField = new Set(
  'a an and body contact customer card content data each every field fields filter id input invalid it json key location message method missing object page parameter params path payload property properties request required some something that the this token unknown url value values you'.split(
    ' ',
  ),
);
const says = String.raw`(?:must|should|cannot|can't|can not|may not|is (?:invalid|not (?:a |an )?(?:valid|allowed)|required|missing|too )|has (?:an )?invalid|already)`;
const fieldFirst = new RegExp(String.raw`^["'\`]?([A-Za-z][\w.\[\]]*)["'\`]? ${says}`, 'i');

/** The wordings of class-validator and its kind, common to both sides: "property x should not exist", "x must be …". */
export function fieldByWording(message: string): { field: string; code?: string } | undefined {
  const banned = /\bpropert(?:y|ies) ["'`]?([\w.[\]]+)["'`]? should not exist/i.exec(message);
  if (banned?.[1]) return { field: banned[1], code: 'unknown_property' };
  const first = fieldFirst.exec(message.trim());
  if (first?.[1] && !notAField.has(first[1].toLowerCase())) return { field: first[1] };
  return undefined;
}
