import { afterEach, beforeEach, expect } from '@jest/globals';
import { createGhlSimulator, type GhlSimulator, type GhlSimulatorOptions } from '../../src/simulators/ghl/index.ts';
import { ghlContract } from '../helpers/ghlContract.ts';

export interface Answered {
  status: number;
  body: Record<string, any>;
  headers: Headers;
}

/** One location `LOC1` with token `token-1` and another company's `LOC2` with `token-2`; the clock moves when told to. */
export interface SimulatorClient {
  sim: GhlSimulator;
  clock: { ms: number };
  restart(options?: Partial<GhlSimulatorOptions>, location?: object): Promise<void>;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answered>;
}

export const contract = ghlContract();

/** A fresh simulator for each test; after it, every exchange of the test is held against the OpenAPI files. */
export function useGhlSimulator(): SimulatorClient {
  const clock = { ms: 0 };
  const client = { clock } as SimulatorClient;
  let url = '';

  client.restart = async (options = {}, location = {}) => {
    await client.sim?.stop();
    client.sim = createGhlSimulator({
      now: () => clock.ms,
      journal: true,
      locations: [
        {
          id: 'LOC1',
          companyId: 'CO1',
          tokens: ['token-1'],
          pipelines: [
            {
              id: 'PIPE',
              name: 'Sales',
              stages: [
                { id: 'ST1', name: 'New' },
                { id: 'ST2', name: 'Done' },
              ],
            },
          ],
          ...location,
        },
        { id: 'LOC2', companyId: 'CO2', tokens: ['token-2'] },
      ],
      ...options,
    });
    url = await client.sim.start();
  };

  client.call = async (method, path, body, headers = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: 'Bearer token-1',
        version: '2021-07-28',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: body instanceof URLSearchParams ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, body: isJson ? JSON.parse(text) : { text }, headers: response.headers };
  };

  beforeEach(async () => {
    clock.ms = Date.parse('2026-11-20T10:00:00.000Z');
    await client.restart();
  });
  afterEach(async () => {
    const answered = client.sim.journal.filter((exchange) => exchange.status > 0 && exchange.status < 500);
    const errors = answered.flatMap((exchange) => contract.exchange(exchange));
    await client.sim.stop();
    expect(errors).toEqual([]);
  });
  return client;
}
