import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import { createApi } from '../callApi.ts';
import { createPace } from '../pace.ts';
import { createSides, type Side, type Sides } from '../sides.ts';
import { classifyGhl } from './classify.ts';
import { createGhlClient, type GhlClient } from './client.ts';
import type { TokenKeeper } from './tokens.ts';

export type GhlSide = Side<GhlClient>;

/** SPEC §2.6: five calls at a time. */
const CONCURRENCY = 5;

export interface GhlSidesNeeds {
  clock: Clock;
  log: Logger;
  /** Without one only Private Integration Tokens are known. */
  tokens?: TokenKeeper;
}

const BEARER = 'Bearer ';

/** GHL's side of each connection: one location, one token at a time. */
export const createGhlSides = ({ clock, log, tokens }: GhlSidesNeeds): Sides<GhlClient> =>
  createSides({
    keyOf: ({ ghl }) =>
      ghl.locationId === null || (ghl.accessToken === null && (ghl.oauth === null || !tokens))
        ? null
        : `${ghl.apiBaseUrl} ${ghl.locationId}`,
    make: (current, onCall) => {
      const { apiBaseUrl, locationId } = current().ghl;
      const pace = createPace({ clock, log, side: 'ghl', concurrency: CONCURRENCY });
      const api = createApi({
        side: 'ghl',
        baseUrl: apiBaseUrl,
        headers: async () => ({
          authorization: BEARER + ((await tokens?.tokenOf(current())) ?? current().ghl.accessToken ?? ''),
        }),
        ...(tokens && {
          refreshAuth: ({ authorization = '' }) => tokens.renew(current(), authorization.slice(BEARER.length)),
        }),
        pace,
        clock,
        log,
        classify: classifyGhl,
        onCall,
      });
      return { client: createGhlClient({ api, locationId: locationId as string }), pace };
    },
  });
