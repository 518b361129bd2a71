import { z } from 'zod';
import { type Dialect, statusOf } from '../../platforms/stickycards/dialect.ts';
import type { CardSeen, ReportClient } from '../../platforms/stickycards/report/client.ts';
import { isApiError } from '../../platforms/apiError.ts';
import type { CommandRow } from '../../store/commands.ts';
import { commandInDoubt } from '../../store/commandSteps.ts';
import type { NewInboxRow } from '../../store/inbox.ts';
import { pairsOfCustomers } from '../../store/pairs.ts';
import { cardWritten, customerRead, heldCardRead } from '../stickyRows.ts';
import { toldByRead } from '../toldByRead.ts';
import type { CommandContext, Learned, Looked, Performed, Performer } from './performer.ts';

/** A look is trusted only the second time, this long after the send (SPEC §3.5). */
const SECOND_LOOK_MS = 120_000;

const paramsShape = z.looseObject({
  /** The template of a card that somebody asked for by name; the connection's when left out. */
  templateId: z.string().min(1).nullish(),
  /** A workflow asked for a card: what counts is one of that template that can be used. Else any card does. */
  asked: z.boolean().optional(),
  /** A card is wanted although there is one. */
  another: z.boolean().optional(),
});
const beforeShape = z.looseObject({ cardIds: z.array(z.string()) });

/**
 * Issues one card to `customer:<id>` (SPEC §3.2, row 1; §3.4, issue-card). `before` holds the cards from before the send,
 * so that one more is known as ours after a lost answer.
 */
export const createCardCommand: Performer = {
  kinds: ['create_card'],
  side: 'stickycards',
  sendsOnce: true,
  prepare: async (ctx, command) => {
    const { client, dialect } = sideOf(ctx);
    const customerId = customerIdOf(command);
    const can = dialect.capabilities.issueCard && dialect.capabilities.read;
    if (!can) return notWritable(command, customerId, dialect.name);
    const other = await commandInDoubt(ctx.store, command);
    if (other !== null) return { kind: 'wait', reason: `whether ${other} issued a card is not known yet` };
    const seen = await cardsOf(ctx, client, customerId);
    if (seen === null) return { kind: 'failed', reason: 'gone_in_sticky_cards', requeue: customerId };
    const has = await cardThatCounts(ctx, command, seen.cards);
    if (has)
      return {
        kind: 'applied',
        result: { cardId: has.cardId, issued: false },
        observations: seen.observations,
        requeue: customerId,
      };
    return { kind: 'send', before: { cardIds: seen.cards.map(({ cardId }) => cardId) } };
  },
  send: async (ctx, command, options) => {
    const { client } = sideOf(ctx);
    const customerId = customerIdOf(command);
    const templateId = paramsShape.parse(command.params).templateId ?? ctx.connection.stickyCards.templateId;
    const order = { customerId, ...(templateId === null ? {} : { templateId }) };
    const { card, dateMs, traceId } = await client.issueCard(order, options);
    return { kind: 'applied', traceId, ...issued(ctx, customerId, card, dateMs) };
  },
  look: async (ctx, command): Promise<Looked> => {
    const customerId = customerIdOf(command);
    const seen = await cardsOf(ctx, sideOf(ctx).client, customerId);
    if (seen === null) return { kind: 'cannot_tell', reason: 'the customer is no longer there in Sticky Cards' };
    const before = beforeShape.safeParse(command.before);
    if (!before.success) return { kind: 'cannot_tell', reason: 'which cards there were before is not known' };
    const ours = seen.cards.find(({ cardId }) => !before.data.cardIds.includes(cardId));
    if (ours) return { kind: 'there', ...issued(ctx, customerId, ours, seen.dateMs), observations: seen.observations };
    const nowMs = ctx.store.clock.nowMs();
    const secondFromMs = (command.sentAt?.getTime() ?? nowMs) + SECOND_LOOK_MS;
    // A read may come from a copy that lags behind: once is not enough, and neither is too soon.
    if (command.looks === 0 || nowMs < secondFromMs)
      return { kind: 'look_again', afterMs: Math.max(nowMs, secondFromMs) };
    return { kind: 'absent' };
  },
};

/** The engine performs commands of a side only while that side is there. */
const sideOf = ({ sticky }: CommandContext): { client: ReportClient; dialect: Dialect } => {
  if (!sticky) throw new Error('a card can only be issued while Sticky Cards is there');
  return sticky;
};

const customerIdOf = (command: Pick<CommandRow, 'target'>): string => command.target.slice('customer:'.length);

function notWritable(command: CommandRow, customerId: string, dialect: string): Performed {
  const problem = {
    code: 'not_writable_by_api',
    cause: command.kind,
    recordId: customerId,
    sample: { customerId, commandId: command.id, dialect },
  };
  return { kind: 'failed', reason: 'not_writable_by_api', problems: [problem] };
}

/** The card for which no other one is issued. */
async function cardThatCounts(
  ctx: CommandContext,
  command: CommandRow,
  cards: readonly CardSeen[],
): Promise<CardSeen | undefined> {
  const { another, asked, templateId } = paramsShape.parse(command.params);
  if (another === true) return undefined;
  if (asked !== true && !templateId) return cards[0];
  const { store, connection } = ctx;
  const [pair] = await pairsOfCustomers(store, connection.id, [customerIdOf(command)]);
  const staged = new Map(pair?.cards.map((card) => [card.cardId, card]));
  const wanted = templateId ?? connection.stickyCards.templateId;
  return cards.find((card) => {
    const known = staged.get(card.cardId);
    // A read need not tell both: a card that was removed may still be called active.
    const status = statusOf(sideOf(ctx).dialect, card.status ?? null);
    const install = status?.axis === 'install' ? status.value : known?.installStatus;
    if (install === 'removed' || install === 'expired') return false;
    const template = card.templateId ?? known?.templateId ?? null;
    // Where the API does not tell templates, every card may be one of the connection's own.
    return wanted === null || template === wanted || (template === null && !templateId);
  });
}

/** The customer's cards as a read shows them; null when the customer is gone. */
async function cardsOf(
  { store, connection, signal }: CommandContext,
  client: ReportClient,
  customerId: string,
): Promise<{ cards: CardSeen[]; observations: NewInboxRow[]; dateMs: number | null } | null> {
  try {
    const read = await client.getCustomer(customerId, { signal });
    const { customer, dateMs } = read;
    const cards = toldByRead(read, 'cards');
    const observations = [
      customerRead(store, connection.id, customer, dateMs),
      ...cards.map((card) => heldCardRead(store, connection.id, card, customerId, dateMs)),
    ];
    return { cards, observations, dateMs };
  } catch (error) {
    if (isApiError(error, 'gone')) return null;
    throw error;
  }
}

const issued = ({ store, connection }: CommandContext, customerId: string, card: CardSeen, dateMs: number | null) =>
  ({
    result: { cardId: card.cardId, issued: true },
    observations: [cardWritten(store, connection.id, cardChange(card, customerId), dateMs)],
    requeue: customerId,
  }) satisfies Learned;

/** What the answer says of the card. A balance that it does not tell is left out, so that nobody asks for it: null would. */
const cardChange = ({ cardId, status, balance, templateId, cardType }: CardSeen, customerId: string) => ({
  cardId,
  customerId,
  status: status ?? null,
  templateId: templateId ?? null,
  cardType: cardType ?? null,
  ...(typeof balance === 'number' ? { balance } : {}),
});
