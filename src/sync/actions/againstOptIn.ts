import { type ActionResult, rejected } from '../../domain/actionAnswer.ts';
import { dndOn, isOptedOut } from '../../domain/consent.ts';
import { isApiError } from '../../platforms/apiError.ts';
import { readConsent } from './consentNow.ts';
import type { ActionContext, Outcome } from './context.ts';
import { ghlAway } from './findContact.ts';

const AGAINST_GHL =
  'In GHL the person does not want messages (DND is on, or opt_in_status says so), and nobody is opted in against that. Change it there first.';

/**
 * What stands in the way of opting a person in; null = nothing. GHL is asked now, for consent is decided there (SPEC §3.2):
 * a workflow that was built long ago, or had to wait, must not undo what the person has said since.
 */
export async function againstOptIn(
  ctx: ActionContext,
  contactId: string,
  ids: NonNullable<ActionResult['more']>,
): Promise<Outcome | null> {
  const { ghl, rows, needs, signal } = ctx;
  if (ghl === null) return ghlAway(null, ids);
  const words = needs.consentWords;
  const shown = await ctx
    .facts()
    .then(({ fieldIds }) => readConsent({ ghl, fieldIds, rows, words, signal }, contactId))
    .catch((error: unknown) => {
      if (isApiError(error) && !signal.aborted) return error;
      throw error;
    });
  if (shown === 'gone') return { kind: 'done', answer: rejected('contact_not_found', ids) };
  if (isApiError(shown)) return ghlAway(shown, ids);
  if (isOptedOut(shown, words) === true) return { kind: 'done', answer: rejected('opted_out', ids, AGAINST_GHL) };
  // A word that nobody explained is no refusal; an answer that does not tell DND is no answer.
  return dndOn(shown, words) === null ? { kind: 'done', answer: rejected('unknown_consent', ids) } : null;
}
