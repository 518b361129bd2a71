import { once } from 'node:events';
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { BodyRequest } from '../../src/http/bodyRequest.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let server: Server;
afterEach(async () => {
  agent.destroy();
  server.close();
  await once(server, 'close');
});

async function serve(handle: (req: BodyRequest, res: ServerResponse) => void): Promise<void> {
  server = createServer({ IncomingMessage: BodyRequest }, handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

/** Over the one connection, in two parts. */
async function post(first: string, second: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const req = request({ port, host: '127.0.0.1', method: 'POST', agent, headers: { 'content-length': 8 } });
  const answered = once(req, 'response') as Promise<[NodeJS.ReadableStream]>;
  req.write(first);
  await new Promise((resolve) => setTimeout(resolve, 20));
  req.end(second);
  const [res] = await answered;
  let text = '';
  for await (const chunk of res) text += String(chunk);
  return text;
}

test('a taken body never enters the stream, which Node then has not to empty either', async () => {
  const requests: BodyRequest[] = [];
  await serve((req, res) => {
    requests.push(req);
    let body = '';
    req.takeBody((chunk) => {
      if (chunk === null) res.end(body);
      else body += chunk.toString();
    });
  });
  expect(await post('ab', 'cdefgh')).toBe('abcdefgh');
  expect(await post('1234', '5678')).toBe('12345678');
  expect(requests.map((req) => [req.complete, req.readableFlowing, req.readableLength])).toEqual([
    [true, null, 0],
    [true, null, 0],
  ]);
});

test('what is given back, or was never taken, is emptied by Node: the connection goes on', async () => {
  const requests: BodyRequest[] = [];
  await serve((req, res) => {
    requests.push(req);
    if (requests.length === 1) res.end('unread');
    else
      req.takeBody(() => {
        req.takeBody(null);
        res.end('given back');
      });
  });
  expect(await post('ab', 'cdefgh')).toBe('unread');
  expect(await post('ab', 'cdefgh')).toBe('given back');
  expect(await post('ab', 'cdefgh')).toBe('given back');
  expect(requests.map((req) => req.readableFlowing)).toEqual([true, true, true]);
});
