import { messagesOf, recordOf } from '../answer.ts';
import type { ApiErrorMeta } from '../apiError.ts';
import {
  type Classified,
  type Classify,
  type ClassifyRules,
  classifyAnswer,
  fieldByWording,
} from '../classifyAnswer.ts';

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** contactName and whatever else `meta` carries stay out: they are personal data. */
function metaOf(body: Record<string, unknown>): ApiErrorMeta {
  const meta = recordOf(body['meta']);
  if (!meta) return {};
  const contactId = text(meta['contactId']);
  const matchingField = text(meta['matchingField']);
  const existingId = text(meta['existingId']);
  return {
    ...(contactId === undefined ? {} : { contactId }),
    ...(matchingField === undefined ? {} : { matchingField }),
    ...(existingId === undefined ? {} : { existingId }),
  };
}

const wrong = /invalid|not valid|not found|unknown|does not exist|not exist|no such|must|should|not allowed|wrong/i;
// ids of custom fields are 20 letters and digits, always with both cases or digits among them
const customFieldId = /\b(?=[A-Za-z0-9]*[A-Z0-9])[A-Za-z0-9]{15,32}\b/;

function fieldOf(message: string): { field: string; code?: string } | undefined {
  if (/custom[ _]?fields?/i.test(message) && wrong.test(message)) {
    const at = /customFields[.[](\d+)/i.exec(message)?.[1];
    const id = customFieldId.exec(message)?.[0];
    const unknown = /not found|unknown|does not exist|not exist|no such|invalid (?:custom ?field|id)/i.test(message);
    const code = unknown ? 'unknown_field' : 'field';
    if (id !== undefined) return { field: `customFields.${id}`, code };
    if (at !== undefined) return { field: `customFields.${at}`, code };
    if (unknown) return { field: 'customFields', code };
  }
  const byWording = fieldByWording(message);
  if (byWording) return byWording;
  const contactDetail = /\b(e-?mail|phone)\b/i.exec(message)?.[1];
  if (contactDetail !== undefined && wrong.test(message))
    return { field: /phone/i.test(contactDetail) ? 'phone' : 'email' };
  return undefined;
}

const rules: ClassifyRules = {
  record: /\b(contact|opportunity|note|task)\b/i,
  otherThings: /\b(pipeline|stage|custom ?fields?|location|user|workflow|company|calendar)\b/i,
  metaOf,
  duplicate: /\bduplicated?\b|\balready exists?\b/i,
  fieldOf,
};

// Said of the whole location, whatever the call was about (ghl.md §4): no record is to blame.
const wrongLocation = /does not have access to this location|not authori[sz]ed for this location/i;
const inactiveLocation =
  /\b(?:location|sub-?account)\b(?: with id \S+)?(?: is| has been| was)?(?: currently)? (?:not active|inactive|suspended|paused|deactivated|disabled|deleted)\b|\b(?:inactive|suspended|deactivated) (?:location|sub-?account)\b/i;

/**
 * What a refusal of GHL means (SPEC §2.6, ghl.md §4). Pure.
 * `field` is `email`, `phone`, a property's name, `customFields.<id>`, or `customFields.<index in the body>` when GHL counts.
 */
export const classifyGhl: Classify = (status, headers, body) => {
  const found = classifyAnswer(rules, status, headers, body);
  if (status < 400 || status >= 500 || found.class === 'transient' || found.class === 'rate_limited') return found;
  if (found.class === 'daily_budget') return found;
  const said = messagesOf(body).join('; ');
  if (inactiveLocation.test(said)) return wholeSide(found, 'location_inactive');
  // Of a 401 it may be the token alone: that is renewed first, and asked again.
  if (status !== 401 && wrongLocation.test(said)) return wholeSide(found, 'wrong_location');
  return found;
};

const wholeSide = ({ message }: Classified, code: string): Classified => ({ class: 'auth', code, message });
