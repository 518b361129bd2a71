import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { createApi } from '../callApi.ts';
import { createPace } from '../pace.ts';
import { createSides, type Side, type Sides } from '../sides.ts';
import { classifyGhl } from './classify.ts';
import { createGhlClient, type GhlClient } from './client.ts';

export type GhlSide = Side<GhlClient>;

/** SPEC §2.6: five calls at a time. */
const CONCURRENCY = 5;

/** GHL's side of each connection: one location, one token. */
export const createGhlSides = ({ clock, log }: { clock: Clock; log: Logger }): Sides<GhlClient> =>
  createSides({
    keyOf: ({ ghl }) =>
      ghl.locationId === null || ghl.accessToken === null ? null : `${ghl.apiBaseUrl} ${ghl.locationId}`,
    make: (current, onCall) => {
      const { apiBaseUrl, locationId } = current().ghl;
      const pace = createPace({ clock, log, side: 'ghl', concurrency: CONCURRENCY });
      const api = createApi({
        side: 'ghl',
        baseUrl: apiBaseUrl,
        headers: () => ({ authorization: `Bearer ${current().ghl.accessToken ?? ''}` }),
        pace,
        clock,
        log,
        classify: classifyGhl,
        onCall,
      });
      return { client: createGhlClient({ api, locationId: locationId as string }), pace };
    },
  });
