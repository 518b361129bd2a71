// A process of its own for test/component/killNine.test.ts: the real receiver on a SQLite file, nothing else.
// `node receiverProcess.ts <file>` prints where it listens.
import { systemClock } from '../../src/clock.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { silentLogger } from '../../src/log.ts';
import { createInboxAppender } from '../../src/store/inbox.ts';
import { openStore } from '../../src/store/store.ts';
import { connection } from './receiver.ts';

const store = await openStore(`file:${process.argv[2]}`, systemClock);
const only = connection('default');
const http = createHttpServer({
  store,
  inbox: createInboxAppender(store),
  connections: { get: (id) => (id === only.id ? only : undefined) },
  defaultConnectionId: only.id,
  log: silentLogger,
  adminToken: 'unused-here',
  trustProxy: false,
  onCommitted: () => undefined,
});
const { url } = await http.listen(0, '127.0.0.1');
console.log(`listens at ${url}`);
