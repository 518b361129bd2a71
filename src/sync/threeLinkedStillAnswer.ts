import { and, eq } from 'drizzle-orm';
import type { Clock } from '../clock.ts';
import type { Connection } from '../domain/connection.ts';
import type { Logger } from '../log.ts';
import { createApi } from '../platforms/callApi.ts';
import { createPace } from '../platforms/pace.ts';
import { classifyStickyCards } from '../platforms/stickycards/classify.ts';
import type { Dialect } from '../platforms/stickycards/dialect.ts';
import { createReportClient } from '../platforms/stickycards/report/client.ts';
import type { Store } from '../store/store.ts';

/**
 * Whether a new key or host still is the same Sticky Cards account (SPEC §1, fingerprint): three customers that are
 * linked here answer under it. With none linked yet there is nothing to mix up.
 */
export const threeLinkedStillAnswer =
  ({
    store,
    clock,
    log,
    dialects,
  }: {
    store: Store;
    clock: Clock;
    log: Logger;
    dialects: ReadonlyMap<string, Dialect>;
  }) =>
  async (connection: Connection): Promise<boolean> => {
    const { entityMappings: t } = store.s;
    const linked = await store.db
      .select({ id: t.stickycardsId })
      .from(t)
      .where(and(eq(t.connectionId, connection.id), eq(t.entityType, 'customer'), eq(t.state, 'live')))
      .limit(3);
    const dialect = dialects.get(connection.dialect);
    const { apiBaseUrl, apiKey } = connection.stickyCards;
    if (linked.length === 0) return true;
    if (dialect?.name !== 'report' || apiBaseUrl === null || apiKey === null) return false;
    const pace = createPace({ clock, log, side: 'stickycards' });
    const api = createApi({
      side: 'stickycards',
      baseUrl: apiBaseUrl,
      headers: () => ({ authorization: `Bearer ${apiKey}` }),
      pace,
      clock,
      log,
      timeoutMs: 5_000,
      classify: classifyStickyCards,
    });
    const client = createReportClient({ api, dialect });
    const answers = await Promise.allSettled(linked.map(({ id }) => client.getCustomer(id)));
    pace.stop();
    return answers.every((answer) => answer.status === 'fulfilled');
  };
