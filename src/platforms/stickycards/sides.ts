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
    keyOf: (connection) => {
      const { apiBaseUrl, apiKey } = connection.stickyCards;
      return apiBaseUrl === null || apiKey === null || connection.dialect !== 'report' ? null : apiBaseUrl;
    },
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
