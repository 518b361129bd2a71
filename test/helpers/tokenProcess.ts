// A process of its own for test/component/oauth.test.ts: workers that need the GHL token of one connection.
// `node tokenProcess.ts <database> <address of GHL>` prints `ready`, waits for a line, then prints what its workers got.
import { once } from 'node:events';
import { systemClock } from '../../src/clock.ts';
import type { Connection } from '../../src/domain/connection.ts';
import { silentLogger } from '../../src/log.ts';
import { createOAuthCalls, OAUTH_TIMEOUT_MS } from '../../src/platforms/ghl/oauthCalls.ts';
import { createGhlSides, type GhlSide } from '../../src/platforms/ghl/sides.ts';
import { createTokenKeeper } from '../../src/platforms/ghl/tokens.ts';
import { createConnectionStore } from '../../src/store/connections.ts';
import { createGrantVault } from '../../src/store/oauthGrants.ts';
import { createSecretBox } from '../../src/store/secrets.ts';
import { openStore } from '../../src/store/store.ts';

const WORKERS = 10;
const [, , databaseUrl = '', apiBaseUrl = ''] = process.argv;
const box = createSecretBox([{ version: 1, key: Buffer.alloc(32, 7) }]);
const store = await openStore(databaseUrl, systemClock);
const app = { apiBaseUrl, clientId: 'simapp-1', clientSecret: 'sim-client-secret' };
const sides = createGhlSides({
  clock: systemClock,
  log: silentLogger,
  tokens: createTokenKeeper({
    vault: createGrantVault(store, box),
    calls: createOAuthCalls(app, { clock: systemClock, log: silentLogger }),
    clock: systemClock,
    log: silentLogger,
    random: Math.random,
    newHolder: () => store.newId('ins'),
    reconnectUrl: () => '',
    timeoutMs: OAUTH_TIMEOUT_MS,
  }),
});
const connection = (await createConnectionStore(store, box).get('north')) as Connection;
console.log('ready');
await once(process.stdin, 'data');
const { client } = sides.of(connection) as GhlSide;
const got = await Promise.allSettled(Array.from({ length: WORKERS }, () => client.getLocation()));
console.log(JSON.stringify(got.map((each) => (each.status === 'fulfilled' ? 'ok' : String(each.reason)))));
process.exit(0);
