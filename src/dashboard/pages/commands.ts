import type { Request } from 'express';
import {
  COMMAND_KINDS,
  COMMAND_STATES,
  type CommandKind,
  type CommandState,
} from '../../../drizzle/tables/commands.ts';
import { COMMAND_DECISIONS } from '../../domain/commandStates.ts';
import { AppError } from '../../errors.ts';
import { commandShape, decideOrRefuse } from '../../http/api/commands.ts';
import { findCommands, getCommand } from '../../store/commandActions.ts';
import type { CommandRow } from '../../store/commands.ts';
import type { PageContext } from '../context.ts';
import { html, type Html } from '../html.ts';
import type { DashboardNeeds } from '../needs.ts';
import { empty, facts, href, id, number, time } from '../parts/basics.ts';
import { button, connectionChoice, filters, pager, tabs } from '../parts/forms.ts';
import { type People, peopleOf, personLink } from '../parts/people.ts';
import { table } from '../parts/table.ts';
import { factList } from '../parts/values.ts';
import { codeText, commandBadge, commandWord, DECISION_WORDS, KIND_WORDS } from '../parts/words.ts';
import type { Routes } from '../routes.ts';

const PATH = '/commands';
const PAGE = 50;

/** `/commands`: what happens once, and the decisions that only a person can make. */
export function commandPages(routes: Routes, needs: DashboardNeeds): void {
  const { store } = needs;
  const people = (rows: readonly CommandRow[]) =>
    peopleOf(
      store,
      rows.map((row) => ({ connectionId: row.connectionId, ids: [customerOf(row), contactOf(row)] })),
    );

  routes.page(PATH, async (ctx) => {
    const { connection, cursor } = ctx.query;
    const forPeople = ctx.query['list'] === 'people';
    const state = COMMAND_STATES.find((each) => each === ctx.query['state']);
    const kind = COMMAND_KINDS.find((each) => each === ctx.query['kind']);
    const filter = { ...(connection && { connection }), ...(kind && { kind }) };
    const found = forPeople
      ? await waitingForPeople(needs, filter)
      : await findCommands(store, { ...filter, ...(state && { state }) }, PAGE + 1, cursor);
    const rows = found.slice(0, PAGE);
    const next = found.length > PAGE ? rows.at(-1)?.id : (found as { scannedTo?: string }).scannedTo;
    return {
      title: 'Commands',
      section: 'commands',
      body: html`
        <p class="intro">
          What must happen once: notes, tasks, opportunities, pushes, points, new contacts and cards. Each is written
          down before it is sent.
        </p>
        ${tabs(
          ctx,
          PATH,
          'list',
          [
            ['', 'All'],
            ['people', 'Waiting for you'],
          ],
          'Lists',
        )}
        ${filters(
          ctx,
          PATH,
          [
            ...connectionChoice(ctx),
            ...(forPeople ? [] : [stateChoice]),
            {
              name: 'kind',
              label: 'Kind',
              values: [['', 'all'], ...COMMAND_KINDS.map((each) => [each, KIND_WORDS[each]] as const)],
            },
          ],
          { keep: ['list'] },
        )}
        ${rows.length === 0 ? nothing(forPeople) : commandTable(ctx, needs, rows, await people(rows))}
        ${pager(ctx, PATH, next ?? null)}
      `,
    };
  });

  const commandOf = async (req: Request): Promise<CommandRow> => {
    const row = await getCommand(store, String(req.params['id'] ?? ''));
    if (row) return row;
    throw new AppError('unknown_command', 'There is no such command.', { httpStatus: 404 });
  };

  routes.page(`${PATH}/:id`, async (ctx, req) => {
    const row = await commandOf(req);
    const shape = commandShape(store, row);
    const reason = row.reason === null ? null : codeText(row.reason);
    return {
      title: KIND_WORDS[row.kind],
      section: 'commands',
      trail: [{ href: PATH, text: 'Commands' }],
      body: html`
        <div class="row lead">
          ${commandBadge(row.state)} ${id(row.id)} <span class="mute">in ${row.connectionId}</span>
        </div>
        ${
          row.reason === null
            ? null
            : html`<section class=${`finding ${['held', 'unknown', 'failed'].includes(row.state) ? 'warn' : 'mute'}`}>
                <h3>${reason?.title ?? row.reason}</h3>
                ${reason ? html`<p><b>What to do:</b> ${reason.remedy}</p>` : null}
                ${
                  row.state === 'unknown' && row.nextAttemptAt === null
                    ? html`<p>
                        <b>What to do:</b> Look on the other side for what is named below (its text ends with
                        <code>[ref:${row.id}]</code> where it has one). Nothing is sent twice on a guess.
                      </p>`
                    : null
                }
              </section>`
        }
        <div class="row">${decisions(ctx, needs, row)}</div>
        ${facts([
          ['About', target(row, await people([row]))],
          ['Made by', html`<code class="id">${row.sourceEvent}</code>`],
          ['Attempts', number(row.attempts)],
          ['Made', time(ctx, row.createdAt, row.connectionId, { age: true })],
          ['Sent', time(ctx, row.sentAt, row.connectionId)],
          ['Last change', time(ctx, row.updatedAt, row.connectionId)],
          ['Next look or attempt', time(ctx, row.nextAttemptAt, row.connectionId, { age: true })],
          ['Decided by', row.decidedBy],
        ])}
        <h2>What is sent</h2>
        ${factList(shape.params) ?? html`<p class="mute">Nothing but what it is about.</p>`}
        <h2>What was there before</h2>
        ${factList(shape.before) ?? html`<p class="mute">Not looked at, or not yet.</p>`}
        <h2>What came of it</h2>
        ${factList(shape.result) ?? html`<p class="mute">No answer yet.</p>`}
      `,
    };
  });

  for (const decision of COMMAND_DECISIONS) {
    routes.action(`${PATH}/:id/${decision}`, async (ctx, req) => {
      await decideOrRefuse(store, String(req.params['id'] ?? ''), decision, ctx.user.name);
      return { notice: `command_${decision}` };
    });
  }
}

const stateChoice = {
  name: 'state',
  label: 'State',
  values: [['', 'all'], ...COMMAND_STATES.map((each) => [each, commandWord(each)] as const)] as [string, string][],
};

/** Held, and unknown ones that nobody looks for any more. */
async function waitingForPeople(
  { store }: DashboardNeeds,
  filter: { connection?: string; kind?: CommandKind },
): Promise<CommandRow[]> {
  const rows: CommandRow[] = [];
  for (const state of ['held', 'unknown'] satisfies CommandState[])
    rows.push(...(await findCommands(store, { ...filter, state }, PAGE)));
  return rows
    .filter((row) => row.state === 'held' || row.nextAttemptAt === null)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1));
}

const decisions = (ctx: PageContext, { store }: DashboardNeeds, row: CommandRow): Html[] =>
  commandShape(store, row).possible.map((decision) => {
    const { label, ask, danger } = DECISION_WORDS[decision];
    return button(ctx, `${PATH}/${row.id}/${decision}`, label, {
      ask,
      about: row.id,
      ...(danger && { tone: 'danger' }),
    });
  });

const textIn = (params: CommandRow['params'], name: string): string | null =>
  typeof params[name] === 'string' ? params[name] : null;
const after = (text: string, kind: string): string | null => (text.startsWith(kind) ? text.slice(kind.length) : null);
const customerOf = ({ target: text, params }: CommandRow) => after(text, 'customer:') ?? textIn(params, 'customerId');
const contactOf = ({ target: text, params }: CommandRow) => after(text, 'contact:') ?? textIn(params, 'contactId');

const target = (row: CommandRow, people: People): Html => {
  const { connectionId, target: text } = row;
  const person = people(connectionId, customerOf(row)) ?? people(connectionId, contactOf(row));
  const customerId = person?.customerId ?? customerOf(row);
  return html`${customerId === null ? null : personLink(connectionId, customerId, person)}
  ${text.startsWith('customer:') ? null : id(text)}`;
};

const commandTable = (ctx: PageContext, needs: DashboardNeeds, rows: readonly CommandRow[], people: People): Html =>
  table<CommandRow>(
    'Commands',
    [
      {
        head: 'Command',
        cell: (row) =>
          html`<a href=${`${PATH}/${row.id}`}>${KIND_WORDS[row.kind]}</a> <span class="sub">${row.id}</span>`,
      },
      { head: 'About', cell: (row) => target(row, people) },
      ...(ctx.connectionIds.length > 1
        ? [{ head: 'Connection', cell: (row: CommandRow): Html => row.connectionId }]
        : []),
      {
        head: 'State',
        cell: (row) =>
          html`${commandBadge(row.state)}
          ${row.reason === null ? null : html`<span class="sub">${codeText(row.reason)?.title ?? row.reason}</span>`}`,
      },
      { head: 'Made', cell: (row) => time(ctx, row.createdAt, row.connectionId) },
      ...(ctx.mayWrite && rows.some((row) => commandShape(needs.store, row).possible.length > 0)
        ? [
            {
              head: 'Decide',
              cell: (row: CommandRow): Html => html`<div class="row">${decisions(ctx, needs, row)}</div>`,
            },
          ]
        : []),
    ],
    rows,
  );

const nothing = (forPeople: boolean): Html =>
  forPeople
    ? empty(
        'Nothing waits for you',
        html`Everything that happens once was done or goes on by itself. <a href=${href(PATH)}>All commands</a>`,
      )
    : empty('No commands yet', 'Feedback, payments and points make them; new contacts too.');
