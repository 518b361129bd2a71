import type { Clock } from '../../clock.ts';
import type { Connection } from '../../domain/connection.ts';
import type { Logger } from '../../log.ts';
import { createApi } from '../callApi.ts';
import { createPace } from '../pace.ts';
import { createSides, type Side, type Sides } from '../sides.ts';
import { classifyStickyCards } from './classify.ts';
import type { Dialect } from './dialect.ts';
import { createReportClient, type ReportClient } from './report/client.ts';

export type StickySide = Side<ReportClient>;

const CONCURRENCY = 5;

/** Whether the connection can be spoken to at all: an address, a key, and a dialect that has a client. */
export const hasStickyClient = ({ stickyCards, dialect }: Connection): boolean =>
  stickyCards.apiBaseUrl !== null && stickyCards.apiKey !== null && dialect === 'report';

/**
 * Sticky Cards' side of each connection. null also where the dialect has no client yet: what needs a call says so, and
 * receiving goes on.
 */
export const createStickySides = (needs: {
  clock: Clock;
  log: Logger;
  dialectOf(connection: Connection): Dialect;
}): Sides<ReportClient> =>
  createSides({
    keyOf: (connection) => (hasStickyClient(connection) ? connection.stickyCards.apiBaseUrl : null),
    make: (current, onCall) => {
      const dialect = needs.dialectOf(current());
      const pace = createPace({
        clock: needs.clock,
        log: needs.log,
        side: 'stickycards',
        max: dialect.requestsPerSecond * 10,
        intervalMs: 10_000,
        concurrency: CONCURRENCY,
      });
      const api = createApi({
        side: 'stickycards',
        baseUrl: current().stickyCards.apiBaseUrl as string,
        headers: () => ({ authorization: `Bearer ${current().stickyCards.apiKey ?? ''}` }),
        pace,
        clock: needs.clock,
        log: needs.log,
        classify: classifyStickyCards,
        onCall,
      });
      return { client: createReportClient({ api, dialect }), pace };
    },
  });
