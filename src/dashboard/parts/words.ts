import type { CommandKind, CommandState } from '../../../drizzle/tables/commands.ts';
import type { ProblemState } from '../../../drizzle/tables/problems.ts';
import type { Direction, RunStatus } from '../../../drizzle/tables/runs.ts';
import type { SyncStatus } from '../../../drizzle/tables/staging.ts';
import type { CommandDecision } from '../../domain/commandStates.ts';
import { type CodeText, problemText, PROBLEMS } from '../../domain/problemCodes.ts';
import { reasonText } from '../../domain/reasonCodes.ts';
import type { InboxRow } from '../../store/inbox.ts';
import type { Html } from '../html.ts';
import { badge, type Tone } from './basics.ts';

type Word = readonly [tone: Tone, text: string];
const shown = ([tone, text]: Word): Html => badge(tone, text);

/** The three lists of SPEC §6, and who waits for a run. */
export const SYNC_WORDS: Readonly<Record<SyncStatus, Word>> = {
  SYNCED: ['ok', 'in sync'],
  PENDING: ['info', 'waiting'],
  SKIPPED: ['mute', 'excluded'],
  FAILED: ['bad', 'failing'],
};
export const syncBadge = (status: SyncStatus): Html => shown(SYNC_WORDS[status]);

const RUN_WORDS: Readonly<Record<RunStatus, Word>> = {
  running: ['info', 'running'],
  completed: ['ok', 'completed'],
  partial: ['warn', 'partial'],
  failed: ['bad', 'failed'],
  'skipped-overlap': ['mute', 'skipped, one was running'],
  stale: ['warn', 'cut off'],
};
export const runBadge = (status: RunStatus): Html => shown(RUN_WORDS[status]);
export const runWord = (status: RunStatus): string => RUN_WORDS[status][1];

export const DIRECTION_WORDS: Readonly<Record<Direction | 'both', string>> = {
  stickycards_to_ghl: 'to GHL',
  ghl_to_stickycards: 'to Sticky Cards',
  both: 'both ways',
};

const EVENT_WORDS: Readonly<Record<InboxRow['status'], Word>> = {
  received: ['info', 'received'],
  folded: ['ok', 'worked in'],
  waiting: ['info', 'waiting'],
  skipped: ['mute', 'left out'],
  rejected: ['bad', 'rejected'],
};
export const eventBadge = (status: InboxRow['status']): Html => shown(EVENT_WORDS[status]);

const VERIFICATION_WORDS: Readonly<Record<InboxRow['verification'], Word>> = {
  verified: ['ok', 'signature right'],
  path_secret: ['ok', 'secret in the address'],
  unverified: ['warn', 'not verified'],
  failed: ['bad', 'not verified'],
  self: ['mute', 'our own'],
};
export const verificationBadge = (verification: InboxRow['verification']): Html =>
  shown(VERIFICATION_WORDS[verification]);

export const SOURCE_WORDS: Readonly<Record<InboxRow['source'], string>> = {
  stickycards: 'Sticky Cards',
  ghl: 'GHL',
  ghl_workflow: 'GHL workflow',
  sticker: 'Sticker',
  self: 'answer to our write',
  read: 'our read',
};

const COMMAND_WORDS: Readonly<Record<CommandState, Word>> = {
  pending: ['info', 'waiting'],
  held: ['warn', 'held for you'],
  sending: ['info', 'on its way'],
  applied: ['ok', 'done'],
  failed: ['bad', 'failed'],
  unknown: ['warn', 'unknown'],
  discarded: ['mute', 'discarded'],
};
export const commandBadge = (state: CommandState): Html => shown(COMMAND_WORDS[state]);
export const commandWord = (state: CommandState): string => COMMAND_WORDS[state][1];

export const KIND_WORDS: Readonly<Record<CommandKind, string>> = {
  create_contact: 'Make a contact in GHL',
  create_customer: 'Make a customer in Sticky Cards',
  create_card: 'Issue a card',
  note: 'Note in GHL',
  task: 'Task in GHL',
  opportunity: 'Opportunity in GHL',
  opportunity_lost: 'Opportunity lost in GHL',
  push: 'Push to the wallet',
  add_points: 'Book points',
};

export const DECISION_WORDS: Readonly<Record<CommandDecision, { label: string; ask: string; danger?: true }>> = {
  confirm: { label: 'It happened', ask: 'You looked, and it is there? It is then never sent again.' },
  resend: { label: 'Send again', ask: 'You looked, and it is not there? It is sent once more by the next run.' },
  discard: { label: 'Discard', ask: 'It is then never sent. Discard it?', danger: true },
};

const PROBLEM_WORDS: Readonly<Record<ProblemState, Word>> = {
  open: ['bad', 'open'],
  acknowledged: ['warn', 'acknowledged'],
  resolved: ['ok', 'resolved'],
  ignored: ['mute', 'ignored'],
};
export const problemBadge = (state: ProblemState): Html => shown(PROBLEM_WORDS[state]);

/** What a stored code means and what to do about it; null for a code that has no words of its own. */
export const codeText = (code: string): CodeText | null =>
  reasonText(code) ?? (Object.hasOwn(PROBLEMS, code) ? problemText(code) : null);

/** Why a field is not written, by the reason that is stored with its hold. */
const HOLDS: Readonly<Record<string, string>> = {
  cleared_in_ghl: 'Somebody emptied it in GHL. It is neither filled again nor deleted in Sticky Cards.',
  refused_by_ghl: 'GHL refused the value. Correct it in Sticky Cards, or press Retry.',
  dropped_by_ghl: 'GHL answered that it was saved, but shows it empty. Correct it, or press Retry.',
  altered_by_ghl: 'GHL saved something else than was sent. Correct it, or press Retry.',
  refused_by_sticky_cards: 'Sticky Cards refused the value. Correct it in GHL.',
  identity_conflict: 'Another contact has this value. Compare the two, then press Retry.',
  invalid_phone: 'The number cannot exist. Correct it where it was typed.',
  undone: 'It was undone, and is not written again until it changes.',
};

export const holdText = (reason: string): string =>
  HOLDS[reason] ?? codeText(reason)?.title ?? reason.replaceAll('_', ' ');
