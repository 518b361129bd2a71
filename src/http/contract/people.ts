import { z } from 'zod';
import { commandListQuery } from '../api/commands.ts';
import { customerQuery } from '../api/customerMeant.ts';
import { customerListQuery, resyncBody } from '../api/customers.ts';
import { problemListQuery } from '../api/problems.ts';
import { retryBody } from '../api/retry.ts';
import { timelineQuery } from '../api/timelineShape.ts';
import { list, one, type Operation, orNull, pageOf, unknown } from './operation.ts';
import { command, customer, problemRow, run, timelineEntry } from './shapes.ts';

const several = { ...unknown('customer'), 409: 'Several connections know this customer: add ?connection=.' };

const customers: Operation[] = [
  {
    method: 'get',
    path: '/api/customers',
    tag: 'Customers',
    summary: 'Customers by connection and id',
    description:
      'syncStatus=SYNCED, SKIPPED and FAILED are the three lists: in sync, excluded on purpose, failing. With format=csv each is one file for a spreadsheet, with its reasons.',
    query: customerListQuery,
    answers: {
      200: {
        description: 'A page of customers; with format=csv all of them.',
        schema: pageOf(customer),
        orAs: 'text/csv',
      },
    },
  },
  {
    method: 'get',
    path: '/api/customers/{customerId}',
    tag: 'Customers',
    summary: 'One customer',
    query: customerQuery,
    answers: one('The customer.', customer),
    refusals: several,
  },
  {
    method: 'get',
    path: '/api/customers/{customerId}/timeline',
    tag: 'Customers',
    summary: 'The whole story of a customer, newest first',
    description:
      'Deliveries of both sides and what became of them, our own reads and writes, what runs did with before and after, what happened once, and what people decided.',
    query: timelineQuery,
    answers: list('A page of the story.', timelineEntry),
    refusals: several,
  },
  {
    method: 'post',
    path: '/api/customers/{customerId}/resync',
    tag: 'Customers',
    summary: 'Read both sides anew, then bring them together',
    query: customerQuery,
    body: resyncBody,
    answers: {
      200: {
        description: 'With wait: the customer and the run that followed; run null = the connection does not run now.',
        schema: z.strictObject({ customer, run: orNull(run) }),
      },
      202: { description: 'Without wait.', schema: z.strictObject({ customer, run: orNull(run) }) },
    },
    refusals: several,
  },
  ...(['retry', 'pause', 'resume'] as const).map((verb): Operation => ({
    method: 'post',
    path: `/api/customers/{customerId}/${verb}`,
    tag: 'Customers',
    summary: {
      retry: 'Let the next run take a customer again',
      pause: 'Leave a customer out of the runs; what comes meanwhile is kept',
      resume: 'Let a customer in again',
    }[verb],
    query: customerQuery,
    answers: one('The customer as it is now.', customer),
    refusals: several,
  })),
  {
    method: 'post',
    path: '/api/retry',
    tag: 'Customers',
    summary: 'Let the next run take all of a filter again',
    description: 'Failed ones when the filter names no syncStatus. With dryRun it only counts them.',
    body: retryBody,
    answers: one('How many.', z.strictObject({ count: z.int(), dryRun: z.literal(true).optional() })),
  },
];

const commands: Operation[] = [
  {
    method: 'get',
    path: '/api/commands',
    tag: 'Commands',
    summary: 'What happens once: notes, tasks, opportunities, pushes, points, creations',
    query: commandListQuery,
    answers: list('A page of the ledger, newest first.', command),
  },
  {
    method: 'get',
    path: '/api/commands/{id}',
    tag: 'Commands',
    summary: 'One command',
    answers: one('The command.', command),
    refusals: unknown('command'),
  },
  ...(['confirm', 'resend', 'discard'] as const).map((verb): Operation => ({
    method: 'post',
    path: `/api/commands/{id}/${verb}`,
    tag: 'Commands',
    summary: {
      confirm: 'It happened: an unknown command counts as done',
      resend: 'Send it again: one that is unknown or held',
      discard: "Never send it; after points GHL gets the card's balance",
    }[verb],
    answers: one('The command as it is now.', command),
    refusals: { ...unknown('command'), 409: 'Not possible as it stands; possible says what is.' },
  })),
];

const problems: Operation[] = [
  {
    method: 'get',
    path: '/api/problems',
    tag: 'Problems',
    summary: 'What needs a person, newest first',
    description: 'Same cause = one problem. Each says in plain words what happened and what to do.',
    query: problemListQuery,
    answers: list('A page of problems.', problemRow),
  },
  {
    method: 'get',
    path: '/api/problems/{id}',
    tag: 'Problems',
    summary: 'One problem',
    answers: one('The problem.', problemRow),
    refusals: unknown('problem'),
  },
  ...(['acknowledge', 'resolve', 'ignore', 'confirm'] as const).map((verb): Operation => ({
    method: 'post',
    path: `/api/problems/{id}/${verb}`,
    tag: 'Problems',
    summary: {
      acknowledge: 'Somebody looks after it',
      resolve: 'It is over; it opens again by itself when it comes back',
      ignore: 'Do not tell again',
      confirm: 'Let go, once, what a limit or the brake stopped',
    }[verb],
    answers: one('The problem as it is now.', problemRow),
    refusals: {
      ...unknown('problem'),
      ...(verb === 'acknowledge' && { 409: 'It is over: nothing is affected by it any more.' }),
      ...(verb === 'confirm' && { 409: 'Nothing waits for a confirmation of it.' }),
    },
  })),
];

/** Customers, what happens to them once, and what needs a person. */
export const people: readonly Operation[] = [...customers, ...commands, ...problems];
