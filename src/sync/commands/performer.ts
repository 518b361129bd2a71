import type { CommandKind } from '../../../drizzle/tables/commands.ts';
import type { FieldChange } from '../../../drizzle/tables/runs.ts';
import type { Connection, LocationFacts } from '../../domain/connection.ts';
import type { Locale } from '../../domain/canonical.ts';
import type { Logger } from '../../log.ts';
import type { GhlClient } from '../../platforms/ghl/client.ts';
import type { Dialect } from '../../platforms/stickycards/dialect.ts';
import type { ReportClient } from '../../platforms/stickycards/report/client.ts';
import type { CommandRow, NewCommand } from '../../store/commands.ts';
import type { NewInboxRow } from '../../store/inbox.ts';
import type { RaisedProblem } from '../../store/problems.ts';
import type { Store } from '../../store/store.ts';

/** What performing commands of one connection needs; a side that is not there, or paused, is null: its commands wait. */
export interface CommandContext {
  store: Store;
  log: Logger;
  connection: Connection;
  facts: LocationFacts | null;
  locale: Locale;
  ghl: GhlClient | null;
  sticky: { client: ReportClient; dialect: Dialect } | null;
  /** Whether the person behind a contact opted out, by a GET made now; left out, nobody can say. */
  optedOut?: (contactId: string) => Promise<boolean | 'unknown' | 'gone'>;
  /** The run that performs it, for the log; null when an action of a workflow does. */
  runId: string | null;
  signal: AbortSignal;
}

/** What a performer learned, stored in the transaction that moves the command on. */
export interface Learned {
  /** Kept with the command: shown to operators and, for actions, answered. */
  result?: Record<string, unknown>;
  /** Facts from before the send, kept with the command. */
  before?: Record<string, unknown>;
  /** Answers of either side, for the inbox: unfolded ones are folded like a read. */
  observations?: NewInboxRow[];
  problems?: RaisedProblem[];
  /** What follows from it. */
  commands?: NewCommand[];
  /** The customer whose record is to be planned anew. */
  requeue?: string;
  /** Contacts to be read before anything else is decided about them. */
  marks?: string[];
  /** For the log. */
  contactId?: string | null;
  traceId?: string | null;
  changes?: FieldChange[];
}

export type Performed =
  | ({ kind: 'applied' } & Learned)
  /** Refused for certain, or never to be: final. `reason` is a code or a sentence for the operator. */
  | ({ kind: 'failed'; reason: string } & Learned)
  /** A person has to let it go (a limit, an age). */
  | ({ kind: 'held'; reason: string } & Learned)
  /** Not yet: something else comes first. Nothing was sent. */
  | ({ kind: 'wait'; reason: string; untilMs?: number } & Learned);

/** What a look after a lost answer tells (SPEC §3.5). */
export type Looked =
  | ({ kind: 'there' } & Learned)
  /** Certainly not there: it may be sent again. */
  | ({ kind: 'absent' } & Learned)
  /** Not to be seen yet; a later look may tell, not before `afterMs` (the clock's ms). */
  | ({ kind: 'look_again'; afterMs: number } & Learned)
  /** Nobody can say: an operator decides. */
  | ({ kind: 'cannot_tell'; reason: string } & Learned);

/**
 * How one kind of command is performed. The engine writes ahead: `beforeSend` of `send` must be handed to the client
 * call, it commits the state `sending` right before the request leaves. An error that may have landed makes the command
 * `unknown`; then `look` decides, never a guess.
 */
export interface Performer {
  kinds: readonly CommandKind[];
  side: 'ghl' | 'stickycards';
  /**
   * `send` makes one write and calls nothing after one that landed: a stop that rejects it means that nothing happened.
   * Left out, a command that was being sent when the service stopped is looked for like one whose answer was lost.
   */
  sendsOnce?: true;
  /** While true, commands of these kinds are performed one after the other, whatever their targets. */
  oneAtATime?(ctx: CommandContext): Promise<boolean>;
  /** Looked at before anything is sent; what it learned (`before`) is stored with `sending`. */
  prepare(
    ctx: CommandContext,
    command: CommandRow,
  ): Promise<{ kind: 'send'; before?: Record<string, unknown> } | Performed>;
  /** Rejects with ApiError. */
  send(
    ctx: CommandContext,
    command: CommandRow,
    options: { signal: AbortSignal; beforeSend: () => Promise<void> },
  ): Promise<Performed>;
  look(ctx: CommandContext, command: CommandRow): Promise<Looked>;
}
