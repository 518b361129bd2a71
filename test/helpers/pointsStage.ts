import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { silentLogger } from '../../src/log.ts';
import { loadMaps } from '../../src/maps.ts';
import { projectRoot } from '../../src/paths.ts';
import type { StickyCardsSimulatorOptions } from '../../src/simulators/stickycards/types.ts';
import { type CommandRow, insertCommands } from '../../src/store/commands.ts';
import { insertDeliveries } from '../../src/store/inbox.ts';
import { stageInbox } from '../../src/sync/stageInbox.ts';
import { startCommandStage } from './commandStage.ts';
import { startWebhookSink } from './webhookSink.ts';

const maps = loadMaps(join(projectRoot, 'config'));

/** The ledger between both simulators, with cards to book points on and the deliveries about them. */
export async function startPointsStage(options: Partial<StickyCardsSimulatorOptions> = {}) {
  const stage = await startCommandStage({ stickyCards: options });
  const sink = await startWebhookSink();
  let received = 0;
  let orders = 0;
  stage.stickyCards.setWebhookUrl(sink.url);
  const { connections } = stage.store.s;
  const now = stage.clock.now();
  await stage.store.tx(async (db) => {
    await db.insert(connections).values({
      id: 'default',
      mode: 'live',
      dialect: 'report',
      pausedDirections: [],
      settings: {},
      secrets: {},
      cursors: {},
      createdAt: now,
      updatedAt: now,
    });
  });

  /** Everything that the till and the API told, into the inbox; the rest of the service would do that. */
  const deliver = async () => {
    await stage.stickyCards.flushWebhooks();
    const fresh = sink.received.slice(received);
    received = sink.received.length;
    if (fresh.length === 0) return;
    await stage.store.tx((db) =>
      insertDeliveries(
        stage.store,
        db,
        fresh.map(({ rawBody, body }, n) => ({
          connectionId: 'default',
          source: 'stickycards' as const,
          dedupeKey: `${received}-${n}`,
          deliveryId: null,
          type: String(body['event_type']),
          occurredAt: new Date(String(body['timestamp'])),
          receivedAt: stage.clock.now(),
          customerId: (body['customer_id'] as string | null) ?? null,
          cardId: (body['card_id'] as string | null) ?? null,
          contactId: null,
          verification: 'verified' as const,
          flags: [],
          headers: null,
          bodyHash: createHash('sha256').update(rawBody).digest('hex'),
          payload: rawBody.toString(),
        })),
      ),
    );
  };

  const points = {
    ...stage,
    get store() {
      return stage.store;
    },
    deliver,
    /** A customer with a card that has so many points, both silently there. */
    card: (balance: number, customerId = 'cus_1', cardId = 'card_1') => {
      stage.stickyCards.seed([{ customerId, email: `${customerId}@example.com`, cards: [{ cardId, balance }] }]);
      return cardId;
    },
    /** An `add_points` in the ledger, as an edit in GHL makes it; answers its id. */
    book: async (n: number, cardId = 'card_1', more: Partial<Pick<CommandRow, 'state' | 'reason'>> = {}) => {
      const sourceEvent = `state:lnk_1:loyalty_points:${(orders += 1)}`;
      const params = { points: n, customerId: 'cus_1', contactId: 'con_1', field: 'loyalty_points' };
      const command = { connectionId: 'default', kind: 'add_points' as const, target: `card:${cardId}`, sourceEvent };
      await stage.store.tx((db) => insertCommands(stage.store, db, [{ ...command, params, ...more }]));
      return ((await stage.commands()).find((row) => row.sourceEvent === sourceEvent) as CommandRow).id;
    },
    balance: (cardId = 'card_1') => stage.stickyCards.state.card(cardId)?.balance,
    /** How often a balance was written, whatever became of the answer. */
    writes: () => stage.stickyCards.callCount({ method: 'PUT', path: /\/balance$/ }),
    state: async (id: string) => (await stage.command(id)).state,
    fact: async () =>
      (
        await stage.store.db
          .select({ cursors: connections.cursors })
          .from(connections)
          .where(eq(connections.id, 'default'))
      )[0]?.cursors['balanceMode'] as { mode: string; state: string } | undefined,
    fold: () =>
      stageInbox(
        {
          store: stage.store,
          log: silentLogger,
          rows: maps.rows,
          tagMap: maps.tagMap,
          ghlAppId: null,
          dialectOf: () => maps.dialects.get('report') as never,
        },
        stage.connection,
        500,
      ),
    staged: async (cardId = 'card_1') => {
      const { stickyCardsCards: t } = stage.store.s;
      return (await stage.store.db.select().from(t).where(eq(t.cardId, cardId)))[0];
    },
    /** The mode is proved already: bookings of different cards may go side by side. */
    proved: (mode: 'delta' | 'absolute' = 'delta') =>
      stage.store.tx(async (db) => {
        await db.update(connections).set({ cursors: { balanceMode: { mode, state: 'proved' } } });
      }),
    stop: async () => {
      await sink.stop();
      await stage.stop();
    },
  };
  return points;
}

export type PointsStage = Awaited<ReturnType<typeof startPointsStage>>;
