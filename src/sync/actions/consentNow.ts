import { type ConsentShown, type ConsentWords, isOptedOut } from '../../domain/consent.ts';
import type { LocationFacts } from '../../domain/connection.ts';
import type { FieldRow } from '../../domain/fieldMap.ts';
import { valuesOfContact } from '../../domain/observe.ts';
import { type ApiError, isApiError } from '../../platforms/apiError.ts';
import type { GhlClient } from '../../platforms/ghl/client.ts';

export interface ConsentNeeds {
  ghl: Pick<GhlClient, 'getContact'>;
  fieldIds: LocationFacts['fieldIds'];
  rows: readonly FieldRow[];
  words: ConsentWords;
  signal: AbortSignal;
}

/**
 * What a contact says about consent, by a GET made now (SPEC §3.4): what we know already may be old. `gone` = there is no
 * such contact; an ApiError = GHL did not tell. Rejects only when the signal was aborted.
 */
export async function readConsent(needs: ConsentNeeds, contactId: string): Promise<ConsentShown | 'gone' | ApiError> {
  try {
    const { contact } = await needs.ghl.getContact(contactId, { priority: 'next', signal: needs.signal });
    const word = needs.rows.filter((row) => row.key === 'opt_in_status');
    const values = valuesOfContact(contact, word, needs.fieldIds, { defaultCountry: 'US', timeZone: 'UTC' });
    return { optIn: values['opt_in_status'] ?? null, dnd: contact.dnd, dndSettings: contact.dndSettings ?? null };
  } catch (error) {
    if (isApiError(error, 'gone')) return 'gone';
    needs.signal.throwIfAborted();
    if (isApiError(error)) return error;
    throw error;
  }
}

/** Whether a person opted out, as GHL says now; `unknown` = it did not answer, or its answer does not tell. */
export async function consentNow(needs: ConsentNeeds, contactId: string): Promise<boolean | 'unknown' | 'gone'> {
  const shown = await readConsent(needs, contactId);
  if (shown === 'gone') return 'gone';
  return isApiError(shown) ? 'unknown' : isOptedOut(shown, needs.words);
}
