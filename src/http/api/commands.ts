import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { COMMAND_KINDS, COMMAND_STATES } from '../../../drizzle/tables/commands.ts';
import { COMMAND_DECISIONS, type CommandDecision, possibleDecisions } from '../../domain/commandStates.ts';
import { AppError } from '../../errors.ts';
import { decideCommand, findCommands, getCommand } from '../../store/commandActions.ts';
import type { CommandRow } from '../../store/commands.ts';
import type { Store } from '../../store/store.ts';
import { actorOf, idText, noParameters, oneOf, parse, parseBody, pathPart } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';

export const commandListQuery = z.strictObject({
  ...paging('cmd_'),
  connection: idText.optional(),
  state: oneOf(COMMAND_STATES).optional(),
  kind: oneOf(COMMAND_KINDS).optional(),
});

/** Words that say nothing of a person: ids, what the thing is about, and why there was `nothing` to do. */
const SHOWN_WORDS = /^(?:id|.*Ids?|about|field|currency|status|mode|by|nothing)$/;

/** Facts of a command without anybody's contact details or words: numbers, flags and ids. */
const shownFacts = (facts: Record<string, unknown> | null): Record<string, unknown> | null =>
  facts &&
  Object.fromEntries(
    Object.entries(facts).filter(
      ([name, value]) =>
        value === null ||
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (typeof value === 'string' && SHOWN_WORDS.test(name)),
    ),
  );

const possibleFor = (store: Pick<Store, 'clock'>, { state, sentAt }: CommandRow): CommandDecision[] =>
  possibleDecisions({ state, sentAtMs: sentAt?.getTime() ?? null }, store.clock.nowMs());

/** A row of the ledger as the API shows it (SPEC §6.1); `possible` = what may be decided about it now. */
export const commandShape = (store: Pick<Store, 'clock'>, row: CommandRow) => ({
  id: row.id,
  connection: row.connectionId,
  kind: row.kind,
  target: row.target,
  sourceEvent: row.sourceEvent,
  state: row.state,
  reason: row.reason,
  attempts: row.attempts,
  params: shownFacts(row.params),
  before: shownFacts(row.before),
  result: shownFacts(row.result),
  decidedBy: row.decidedBy,
  possible: possibleFor(store, row),
  sentAt: row.sentAt,
  nextAttemptAt: row.nextAttemptAt,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
});

const unknownCommand = () =>
  new AppError('unknown_command', 'there is no command with this id: GET /api/commands lists them', {
    httpStatus: 404,
  });

/** Decides about a command. Throws AppError `unknown_command` (404), or `command_state` (409) that says what is possible. */
export async function decideOrRefuse(
  store: Store,
  id: string,
  decision: CommandDecision,
  actor: string,
): Promise<CommandRow> {
  const decided = await decideCommand(store, id, decision, actor);
  if (!decided) throw unknownCommand();
  const { command } = decided;
  if (decided.kind === 'done') return command;
  const possible = possibleFor(store, command);
  const what =
    possible.length > 0
      ? `possible now: ${possible.join(', ')}`
      : command.state === 'sending'
        ? 'its answer may still come; look again in half an hour'
        : 'it is over, nothing can be decided about it any more';
  throw new AppError('command_state', `${decision} is not possible, the command is ${command.state}: ${what}`, {
    httpStatus: 409,
    details: { state: command.state, possible },
  });
}

/** `/api/commands`: what happens once, newest first, and what people decide about it. */
export function commandsRouter({ store }: ApiNeeds): Router {
  const router = Router();

  router.get('/', async (req: Request, res: Response) => {
    const query = parse(commandListQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(
      await page(
        query,
        (limit, before) => findCommands(store, defined(filter), limit, before),
        (row) => commandShape(store, row),
      ),
    );
  });

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    const row = await getCommand(store, pathPart(req, 'id'));
    if (!row) throw unknownCommand();
    res.json(commandShape(store, row));
  });

  for (const decision of COMMAND_DECISIONS) {
    router.post(`/:id/${decision}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req);
      res.json(commandShape(store, await decideOrRefuse(store, pathPart(req, 'id'), decision, actorOf(res))));
    });
  }

  return router;
}
