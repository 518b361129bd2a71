import type { CustomerId } from '../../../domain/customerId.ts';
import { AppError } from '../../../errors.ts';
import { type Api, type ApiAnswer, type CallOptions, unexpectedAnswer } from '../../callApi.ts';
import type { Dialect } from '../dialect.ts';
import { bodyOf, cardSeen, customerSeen, renamed } from './read.ts';
import { amount, type CardSeen, type CustomerSeen, id, pageValues } from './schemas.ts';

export type { CardSeen, CustomerSeen } from './schemas.ts';

export interface CustomerWrite {
  /** When linked; else the platform matches by e-mail or phone (SPEC §4). */
  customerId?: string;
  firstName?: string | null;
  lastName?: string | null;
  email?: string | null;
  /** E.164. */
  phone?: string | null;
}

export type ReportClient = ReturnType<typeof createReportClient>;

const stringOrNull = (value: unknown): string | null => {
  const parsed = id.safeParse(value);
  return parsed.success ? parsed.data : null;
};

/**
 * The calls of the `report` dialect (SPEC §4). Paths and property names come from the dialect's table, so that an account that
 * differs needs no code. Answers are `{ value…, traceId, dateMs }`; rejects with ApiError, or with AppError
 * `not_writable_by_api` for a call that the table does not have.
 */
export function createReportClient({ api, dialect }: { api: Api; dialect: Pick<Dialect, 'name' | 'paths'> }) {
  async function call(name: string, values: Record<string, unknown>, options: CallOptions) {
    const entry = dialect.paths[name];
    if (!entry) throw new AppError('not_writable_by_api', `the ${dialect.name} API has no call ${name}`);
    const params = Object.fromEntries(
      Object.entries(values).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value] as const] : [])),
    );
    const body = bodyOf(values, entry.body);
    const answer = await api.call<unknown>({
      method: entry.method,
      path: entry.path,
      params,
      query: bodyOf(values, entry.query) as Record<string, string | number>,
      ...(entry.method === 'GET' ? {} : { body }),
      ...options,
    });
    const said = { traceId: answer.traceId, dateMs: answer.dateMs };
    return { answer, said, isRead: entry.method === 'GET', named: renamed(answer.data, entry.answer) };
  }

  const namesOf = (name: string) => dialect.paths[name]?.answer ?? {};
  const customerIn = (body: unknown, name: string) => customerSeen(body, namesOf(name), namesOf('readCard'));
  /** What a read or a creation cannot do without. */
  const needed = <T>(value: T | null, answer: ApiAnswer<unknown>, isRead: boolean, what: string): T => {
    if (value !== null) return value;
    throw unexpectedAnswer('stickycards', answer.status, answer.traceId, `no ${what}`, !isRead);
  };

  return {
    /** Creates or updates. `created` is what the status says (201). Properties that are undefined are not sent. */
    upsertCustomer: async (customer: CustomerWrite, options: CallOptions = {}) => {
      const { answer, said, named } = await call('upsertCustomer', { ...customer }, options);
      const customerId = needed(stringOrNull(named['customerId']), answer, false, 'customer id');
      return { customerId, created: answer.status === 201, ...said };
    },

    getCustomer: async (customerId: string, options: CallOptions = {}) => {
      const { answer, said } = await call('readCustomer', { customerId }, options);
      const customer: CustomerSeen = needed(customerIn(answer.data, 'readCustomer'), answer, true, 'customer');
      return { customer, ...said };
    },

    /** Pages count from 1. Rows without an id are counted in `unreadable`. */
    listCustomers: async (query: { page: number; perPage: number }, options: CallOptions = {}) => {
      const { answer, said, named } = await call('listCustomers', query, options);
      const page = pageValues.safeParse(named);
      const { items, totalPages } = needed(page.success ? page.data : null, answer, true, 'list');
      const customers = items.flatMap((item) => customerIn(item, 'readCustomer') ?? []);
      const unreadable = items.length - customers.length;
      return { customers, unreadable, page: query.page, totalPages: totalPages ?? null, ...said };
    },

    issueCard: async (order: { customerId: string; templateId?: string }, options: CallOptions = {}) => {
      const { answer, said } = await call('issueCard', order, options);
      const card: CardSeen = needed(cardSeen(answer.data, namesOf('issueCard')), answer, false, 'card id');
      return { card, ...said };
    },

    getCard: async (cardId: string, options: CallOptions = {}) => {
      const { answer, said } = await call('readCard', { cardId }, options);
      const card: CardSeen = needed(cardSeen(answer.data, namesOf('readCard')), answer, true, 'card');
      return { card, ...said };
    },

    /**
     * Adds points (a whole number, negative to take off); `balance` is the new total, null when the answer does not tell.
     * Never to be sent twice on a guess (SPEC §3.5): `comment` carries the marker of the command.
     */
    addToBalance: async (
      { cardId, points, comment }: { cardId: string; points: number; comment: string },
      options: CallOptions = {},
    ) => {
      if (!Number.isInteger(points)) throw new AppError('points_not_whole', 'points have to be a whole number');
      const { said, named } = await call('changeBalance', { cardId, balance: points, comment }, options);
      return { balance: amount.parse(named['balance']) ?? null, ...said };
    },

    /** `status` as the dialect's `statusWrites` spells it; answered with the status that the card has now, null when not told. */
    setCardStatus: async ({ cardId, status }: { cardId: string; status: string }, options: CallOptions = {}) => {
      const { said, named } = await call('setCardStatus', { cardId, status }, options);
      return { status: stringOrNull(named['status']), ...said };
    },

    /** The whole set: what is not in it is taken off (SPEC §3.2: read first). */
    setSegments: async (
      { customerId, segments }: { customerId: string; segments: string[] },
      options: CallOptions = {},
    ) => {
      const { said } = await call('setSegments', { customerId, segments }, options);
      return said;
    },

    setPreferences: async (
      { customerId, optIn }: { customerId: string; optIn: boolean },
      options: CallOptions = {},
    ) => {
      const { said } = await call('setPreferences', { customerId, optIn }, options);
      return said;
    },

    /**
     * To one customer; without an id it would go to everybody (sticky-cards.md §4): the type knows no empty one, and it is
     * refused here once more.
     */
    pushToCustomer: async (
      { customerId, message, title }: { customerId: CustomerId; message: string; title?: string },
      options: CallOptions = {},
    ) => {
      const entry = dialect.paths['push'];
      const addressed = entry?.body['customerId'] !== undefined || entry?.path.includes('{customerId}') === true;
      if (typeof customerId !== 'string' || customerId.trim() === '' || !addressed) {
        throw new AppError('push_without_customer', 'a push needs the customer that it is for');
      }
      const { said, named } = await call('push', { customerId, message, title }, options);
      return { pushId: stringOrNull(named['pushId']), ...said };
    },
  };
}
