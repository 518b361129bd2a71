import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { PROBLEM_STATES } from '../../../drizzle/tables/problems.ts';
import { problemText } from '../../domain/problemCodes.ts';
import { AppError } from '../../errors.ts';
import { confirmProblem, decideProblem, getProblem } from '../../store/problemActions.ts';
import { listProblems, type ProblemRow } from '../../store/problems.ts';
import type { Store } from '../../store/store.ts';
import { actorOf, idText, noParameters, oneOf, parse, parseBody, pathPart } from './input.ts';
import type { ApiNeeds } from './needs.ts';
import { defined, page, paging } from './page.ts';

export const problemListQuery = z.strictObject({
  ...paging('prb_'),
  connection: idText.optional(),
  state: oneOf(PROBLEM_STATES).optional(),
  code: idText.optional(),
});

const DECISIONS = { acknowledge: 'acknowledged', resolve: 'resolved', ignore: 'ignored' } as const;

/** A problem as the API shows it (SPEC §6.1), with what to do in plain words. */
export const problemShape = (row: ProblemRow) => ({
  id: row.id,
  connection: row.connectionId,
  code: row.code,
  ...problemText(row.code),
  state: row.state,
  firstSeen: row.firstSeenAt,
  lastSeen: row.lastSeenAt,
  affected: row.affected,
  sample: row.sample,
});

const unknownProblem = () =>
  new AppError('unknown_problem', 'there is no problem with this id: GET /api/problems lists them', {
    httpStatus: 404,
  });

/** A problem by its id. Throws AppError `unknown_problem` (404). */
export async function problemOrRefuse(store: Store, id: string): Promise<ProblemRow> {
  const problem = await getProblem(store, id);
  if (!problem) throw unknownProblem();
  return problem;
}

/** Decides about a problem. Throws AppError `unknown_problem` (404), `problem_is_over` (409). */
export async function decideProblemOrRefuse(
  store: Store,
  id: string,
  state: (typeof DECISIONS)[keyof typeof DECISIONS],
  actor: string,
): Promise<ProblemRow> {
  const problem = await decideProblem(store, id, state, actor);
  if (!problem) throw unknownProblem();
  return problem;
}

/** Lets go what waits for a problem. Throws AppError `unknown_problem` (404), `nothing_to_confirm` (409). */
export async function confirmOrRefuse(store: Store, id: string, actor: string): Promise<ProblemRow> {
  const confirmed = await confirmProblem(store, id, actor);
  if (!confirmed) throw unknownProblem();
  if (confirmed.kind === 'done') return confirmed.problem;
  throw new AppError(
    'nothing_to_confirm',
    'nothing waits for a confirmation of this problem: its remedy says what to do instead',
    { httpStatus: 409, details: { state: confirmed.problem.state } },
  );
}

/** `/api/problems`: what needs a person, newest first, and what was decided about it. */
export function problemsRouter({ store }: ApiNeeds): Router {
  const router = Router();

  router.get('/', async (req: Request, res: Response) => {
    const query = parse(problemListQuery, req.query);
    const { limit: _, cursor: __, ...filter } = query;
    res.json(await page(query, (limit, before) => listProblems(store, defined(filter), limit, before), problemShape));
  });

  router.get('/:id', async (req: Request, res: Response) => {
    parse(noParameters, req.query);
    res.json(problemShape(await problemOrRefuse(store, pathPart(req, 'id'))));
  });

  for (const [verb, state] of Object.entries(DECISIONS)) {
    router.post(`/:id/${verb}`, async (req: Request, res: Response) => {
      parseBody(noParameters, req);
      res.json(problemShape(await decideProblemOrRefuse(store, pathPart(req, 'id'), state, actorOf(res))));
    });
  }

  router.post('/:id/confirm', async (req: Request, res: Response) => {
    parseBody(noParameters, req);
    res.json(problemShape(await confirmOrRefuse(store, pathPart(req, 'id'), actorOf(res))));
  });

  return router;
}
