import type { Connection } from '../domain/connection.ts';
import { problemText } from '../domain/problemCodes.ts';
import type { ProblemRow } from '../store/problems.ts';
import type { CustomerRow } from '../store/staging.ts';
import type { Tone } from './parts/basics.ts';
import { codeText } from './parts/words.ts';

/** One reason why a person is not as they should be, and what to do about it. */
export interface Finding {
  tone: Tone;
  title: string;
  /** What the other side said, or where it stands; null when the title says it all. */
  detail: string | null;
  remedy: string;
  /** When it goes on by itself. */
  nextAttemptAt?: Date | null;
  problem?: ProblemRow;
}

export interface Explained {
  connection: Pick<Connection, 'id' | 'mode' | 'state' | 'reason' | 'pausedDirections'> | null;
  customer: Pick<CustomerRow, 'syncStatus' | 'syncError' | 'nextAttemptAt' | 'paused'>;
  /** Not over, and about this person or their whole connection. */
  problems: readonly ProblemRow[];
  /** All runs are stopped, in words. */
  stopped: string | null;
}

/** Why what Sticky Cards holds is not in GHL, the widest reason first; empty when nothing is in the way. Pure. */
export function explain({ connection, customer, problems, stopped }: Explained): Finding[] {
  const findings: Finding[] = [];
  if (stopped !== null)
    findings.push({
      tone: 'warn',
      title: 'Everything is paused',
      detail: stopped,
      remedy: 'What arrives is kept. Resume on the page Connections.',
    });
  if (connection) findings.push(...ofConnection(connection));
  if (customer.paused)
    findings.push({
      tone: 'warn',
      title: 'This customer is paused',
      detail: null,
      remedy: 'Somebody paused it, the timeline says who. Nothing is lost; press Resume.',
    });
  const said = ofRecord(customer);
  // A problem with the same words is shown once, where it can be worked on.
  if (said && !problems.some((problem) => problemText(problem.code).title === said.title)) findings.push(said);
  for (const problem of problems) {
    const { title, remedy } = problemText(problem.code);
    const detail = said && title === said.title ? said.detail : null;
    findings.push({ tone: problem.state === 'open' ? 'bad' : 'warn', title, detail, remedy, problem });
  }
  return findings;
}

function ofConnection({ id, mode, state, reason, pausedDirections }: NonNullable<Explained['connection']>): Finding[] {
  if (mode === 'observe')
    return [
      {
        tone: 'info',
        title: `The connection ${id} only observes`,
        detail: null,
        remedy:
          'It receives and shows, and writes nothing. Activate it on its page when the first-link report looks right.',
      },
    ];
  if (state !== 'ready')
    return [
      {
        tone: 'warn',
        title: `The connection ${id} is paused`,
        detail: reason,
        remedy:
          state === 'fingerprint'
            ? 'It points at another account or location than before. Its page says what to do.'
            : 'Nothing is written for anybody until it is resumed; nothing is lost. Resume it on its page.',
      },
    ];
  if (pausedDirections.length === 0) return [];
  const towards = pausedDirections
    .map((each) => (each === 'stickycards_to_ghl' ? 'GHL' : 'Sticky Cards'))
    .join(' and ');
  return [
    {
      tone: 'warn',
      title: `Writing to ${towards} is paused for the connection ${id}`,
      detail: null,
      remedy: 'Resume the direction on the page of the connection; what waited goes out then.',
    },
  ];
}

function ofRecord({ syncStatus, syncError, nextAttemptAt }: Explained['customer']): Finding | null {
  if (!syncError) return null;
  const known = codeText(syncError.code) ?? (syncStatus === 'FAILED' ? problemText('record_failed') : null);
  return {
    tone: syncStatus === 'FAILED' ? 'bad' : syncStatus === 'SKIPPED' ? 'mute' : 'warn',
    title: known?.title ?? 'The last attempt did not succeed',
    detail: known?.title.toLowerCase() === syncError.message.toLowerCase() ? null : syncError.message,
    remedy:
      syncStatus === 'PENDING' && nextAttemptAt
        ? 'It is tried again by itself; nothing is lost.'
        : (known?.remedy ?? 'Put right what it names, then press Retry.'),
    nextAttemptAt,
  };
}
