import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, test } from '@jest/globals';

test('no test reaches another machine, whatever it asks with', async () => {
  expect(() => connect(443, 'services.leadconnectorhq.com')).toThrow(/only this machine is allowed/);
  expect(() => connect({ port: 80, host: '203.0.113.7' })).toThrow('203.0.113.7');
  await expect(fetch('http://203.0.113.7/')).rejects.toMatchObject({
    cause: { message: expect.stringContaining('only this machine') as unknown },
  });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
  server.close();
});
