import type { CommandState } from '../../drizzle/tables/commands.ts';

export const ACTION_RESULTS = ['applied', 'duplicate', 'queued', 'rejected'] as const;

/** What a workflow is told (SPEC §3.4): something that it can branch on. */
export interface ActionResult {
  result: (typeof ACTION_RESULTS)[number];
  reasonCode: string;
  /** For whoever reads the workflow's log. */
  message: string;
  /** Further properties of the answer, spelled as GHL does: `balance_after`, `card_id`. */
  more?: Record<string, string | number | boolean | readonly string[] | null>;
}

export const applied = (reasonCode: string, message: string, more: ActionResult['more'] = {}): ActionResult => ({
  result: 'applied',
  reasonCode,
  message,
  more,
});

/** Answers of calls that nothing was done for, by their code. */
const REJECTED = {
  observe: 'The connection is in observe: nothing is written until it is activated.',
  contact_not_found: 'GHL has no such contact.',
  contact_ambiguous: 'Phone and e-mail belong to different contacts, or to several: send contact_id.',
  not_linked: 'The contact belongs to no customer in Sticky Cards yet. Call sync-contact first.',
  no_card: 'The customer has no card. Call issue-card first.',
  opted_out: 'The person does not want messages: nothing was sent.',
  unknown_consent: 'Whether the person wants messages could not be found out just now: nothing was sent.',
  superseded: 'A call that came later has set this since: it was left as it is.',
  reserved_tag: 'The name is that of a tag with a meaning of its own, which is never a segment: nothing was changed.',
  not_writable_by_api: 'The API of this Sticky Cards account cannot do this.',
  not_connected: 'The connection has no Sticky Cards address and key yet.',
  gone_in_sticky_cards: 'The customer, or the card, is no longer there in Sticky Cards.',
  refused_by_sticky_cards: 'Sticky Cards refused it.',
  too_old: 'It waited for 30 days and is not done any more.',
  unreadable: 'The stored call cannot be read any more: send it again with another key.',
} as const;
export type RejectionCode = keyof typeof REJECTED;

export const rejected = (code: RejectionCode, more: ActionResult['more'] = {}, message?: string): ActionResult => ({
  result: 'rejected',
  reasonCode: code,
  message: message ?? REJECTED[code],
  more,
});

/** Answers of calls that will be carried out later, by their code. */
const QUEUED = {
  direction_paused: 'Writing to Sticky Cards is paused: it is done when that is over.',
  connection_paused: 'The connection is paused: it is done when that is over.',
  record_paused: 'The customer is paused: it is done when that is over.',
  sticky_cards_unavailable: 'Sticky Cards does not answer, or not with this key: it is tried again.',
  ghl_unavailable: 'GHL does not answer: it is tried again.',
  in_progress: 'It is taking longer than ten seconds and goes on by itself.',
  points_limit: 'The change is beyond the limit: a person has to confirm it in the list of commands.',
  outcome_unknown:
    'The answer of Sticky Cards was lost. It is looked for; where that cannot tell, a person decides in the list of commands.',
  waiting: 'It waits for its turn and is done by one of the next runs.',
  will_retry: 'It did not succeed at once and is tried again by itself.',
} as const;
export type QueueCode = keyof typeof QUEUED;

export const queued = (code: QueueCode, more: ActionResult['more'] = {}, message?: string): ActionResult => ({
  result: 'queued',
  reasonCode: code,
  message: message ?? QUEUED[code],
  more,
});

/** Every code that an answer may bear, for the description of the API. */
export const REASONS: Readonly<Record<string, string>> = { ...REJECTED, ...QUEUED };

/** A call that was made within the last minute already, without a key (SPEC §3.4). */
export const duplicate = (first: { result: string; reasonCode: string } | null): ActionResult => ({
  result: 'duplicate',
  reasonCode: 'repeated_within_60_s',
  message:
    'The same workflow asked the same for this contact less than 60 seconds ago. Send an idempotency_key to tell calls apart.',
  more: first === null ? {} : { first_result: first.result, first_reason_code: first.reasonCode },
});

/** The body as it is sent, and stored to be sent again byte for byte. */
export const answerText = (receiptId: string, action: string, answer: ActionResult): string => {
  const { result, reasonCode, message, more } = answer;
  return JSON.stringify({ result, reason_code: reasonCode, message, receiptId, action, ...more });
};

/** What a command of the ledger has come to. */
export interface CommandOutcome {
  id: string;
  kind: string;
  state: CommandState;
  reason: string | null;
  result: Readonly<Record<string, unknown>> | null;
}

const isCode = (reason: string | null): reason is string => reason !== null && /^[a-z][a-z_]*$/.test(reason);

const DONE: Readonly<Record<string, string>> = {
  push: 'The push was sent.',
  add_points: 'The points were booked.',
  create_card: 'The card was issued.',
};

const NAMES: Readonly<Record<string, string>> = { pushId: 'push_id', cardId: 'card_id', balance: 'balance_after' };

/** The answer that a command gives, whenever it is asked: after a crash it is made anew from the ledger. */
export function answerOfCommand(command: CommandOutcome, more: ActionResult['more'] = {}): ActionResult {
  const shown: Record<string, string | number | boolean | readonly string[] | null> = {
    ...more,
    command_id: command.id,
  };
  for (const [key, value] of Object.entries(command.result ?? {})) {
    const name = NAMES[key];
    if (name !== undefined && (typeof value === 'string' || typeof value === 'number')) shown[name] = value;
  }
  const { state, reason } = command;
  switch (state) {
    case 'applied':
      if (command.result?.['issued'] === false)
        return applied('card_exists', 'The customer has such a card already: no other one was issued.', shown);
      return applied('ok', DONE[command.kind] ?? 'It was done.', shown);
    case 'failed':
      if (isCode(reason) && reason in REJECTED) return rejected(reason as RejectionCode, shown);
      return isCode(reason)
        ? { result: 'rejected', reasonCode: reason, message: `It was not done: ${reason}.`, more: shown }
        : rejected('refused_by_sticky_cards', shown, reason ?? undefined);
    case 'discarded':
      return { result: 'rejected', reasonCode: 'discarded', message: 'A person discarded it.', more: shown };
    case 'held':
      return reason === 'points_limit'
        ? queued('points_limit', shown)
        : { result: 'queued', reasonCode: 'held', message: 'A person has to let it go on.', more: shown };
    case 'unknown':
      return queued('outcome_unknown', shown);
    case 'sending':
      return queued('in_progress', shown);
    case 'pending':
      return queued('waiting', shown);
  }
}
