import { z } from 'zod';
import { eventListQuery, replayBody } from '../api/events.ts';
import { logListQuery } from '../api/logs.ts';
import { overviewQuery } from '../api/overview.ts';
import { runListQuery, runLogsQuery, startRunBody } from '../api/runs.ts';
import { list, one, type Operation, orNull, unknown } from './operation.ts';
import { people } from './people.ts';
import { event, log, overview, run } from './shapes.ts';

const runs: Operation[] = [
  {
    method: 'get',
    path: '/api/runs',
    tag: 'Runs',
    summary: 'Runs, newest first',
    query: runListQuery,
    answers: list('A page of runs.', run),
  },
  {
    method: 'post',
    path: '/api/runs',
    tag: 'Runs',
    summary: 'Run now',
    description:
      'One connection, or every one that is not paused. By the instance that speaks for the connection; after a run that is under way.',
    body: startRunBody,
    answers: {
      200: {
        description: 'With wait: the runs, when they have ended; those that did not come about are named in failed.',
        schema: z.strictObject({
          runs: z.array(run),
          failed: z.array(z.strictObject({ connection: z.string(), code: z.string(), message: z.string() })).optional(),
        }),
      },
      202: {
        description: 'Without wait: the connections that run.',
        schema: z.strictObject({ accepted: z.array(z.strictObject({ connection: z.string() })) }),
      },
    },
    refusals: { ...unknown('connection'), 503: 'No running instance speaks for the connection.' },
  },
  {
    method: 'get',
    path: '/api/runs/{id}',
    tag: 'Runs',
    summary: 'One run',
    answers: one('The run.', run),
    refusals: unknown('run'),
  },
  {
    method: 'get',
    path: '/api/runs/{id}/logs',
    tag: 'Runs',
    summary: 'What a run did to which record, newest first',
    query: runLogsQuery,
    answers: list('A page of log rows.', log),
    refusals: unknown('run'),
  },
  {
    method: 'get',
    path: '/api/logs',
    tag: 'Runs',
    summary: 'What was done to which record, newest first',
    description: 'Every change with before and after. Unchanged records are counted by their run, not logged.',
    query: logListQuery,
    answers: list('A page of log rows.', log),
  },
];

const replayed = z.strictObject({ event, run: orNull(run) });

const events: Operation[] = [
  {
    method: 'get',
    path: '/api/events',
    tag: 'Inbox',
    summary: 'Everything received or observed, newest first',
    description:
      'With status=rejected those that were refused. A rare type or source may come in short pages: go on until nextCursor is null.',
    query: eventListQuery,
    answers: list('A page of the inbox.', event),
  },
  {
    method: 'get',
    path: '/api/events/{id}',
    tag: 'Inbox',
    summary: 'One delivery or observation',
    answers: one('It, with its body.', event),
    refusals: unknown('event'),
  },
  {
    method: 'post',
    path: '/api/events/{id}/replay',
    tag: 'Inbox',
    summary: 'Take an event again, also one that succeeded',
    description:
      'It is worked in once more and its customer planned anew. What changed something already changes nothing again, and what happened once (a note, points, a push) does not happen again.',
    body: replayBody,
    answers: {
      200: {
        description: 'With wait: the event and the run that followed; run null = the connection does not run now.',
        schema: replayed,
      },
      202: { description: 'Without wait: the event; a run follows.', schema: replayed },
    },
    refusals: { ...unknown('event'), 409: 'It has no body (refused or pruned), or belongs to no connection.' },
  },
];

const overviews: Operation[] = [
  {
    method: 'get',
    path: '/api/overview',
    tag: 'Overview',
    summary: 'Every connection on one line',
    description: 'Mode, state, lag, in sync / excluded / failing, calls used today, last run.',
    query: overviewQuery,
    answers: list('All of them, by name; with limit a page.', overview),
  },
];

/** The calls of the JSON API, in the order of the document; those of connections are beside it. */
export const calls: readonly Operation[] = [...overviews, ...runs, ...events, ...people];
