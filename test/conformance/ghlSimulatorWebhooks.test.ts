import { verify } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { webhookErrors } from '../helpers/openapi.ts';
import type { WebhookOptions } from '../../src/simulators/ghl/index.ts';
import { useGhlSimulator } from './ghlSimulatorClient.ts';

interface Delivery {
  raw: Buffer;
  body: Record<string, any>;
  signature: string;
}

const gh = useGhlSimulator();
const call = gh.call.bind(gh);
let received: Delivery[] = [];
let answers: number[] = [];
let receiver: Server;
let url = '';

const types = (): string[] => received.map(({ body }) => body.type as string);
const withWebhooks = (webhooks: Omit<WebhookOptions, 'url'> = {}) =>
  gh.restart({ webhooks: { url, auto: false, ...webhooks } });

beforeEach(async () => {
  received = [];
  answers = [];
  receiver = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts);
      const signature = String(request.headers['x-ghl-signature']);
      received.push({ raw, body: JSON.parse(raw.toString()), signature });
      response.writeHead(answers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
});
afterEach(async () => {
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

describe('webhooks', () => {
  test('our own writes come back: flat, signed over the raw bytes, emptied fields left out', async () => {
    await withWebhooks();
    const field = gh.sim.ui.addCustomField('LOC1', { name: 'Points', dataType: 'NUMERICAL' });
    const { contact } = (
      await call('POST', '/contacts/', { locationId: 'LOC1', firstName: 'Ann', phone: '+14155550100' })
    ).body;
    await call('PUT', `/contacts/${contact.id}`, { phone: '', customFields: [{ key: 'points', field_value: 5 }] });
    await gh.sim.flushWebhooks();
    expect(types()).toEqual(['ContactCreate', 'ContactUpdate']);
    const { body, raw, signature } = received[1]!;
    expect(verify(null, raw, gh.sim.webhookPublicKeyPem, Buffer.from(signature, 'base64'))).toBe(true);
    expect(body).toMatchObject({
      locationId: 'LOC1',
      id: contact.id,
      firstName: 'Ann',
      customFields: [{ id: field.id, value: 5 }],
      appId: 'simapp',
      versionId: 'simapp',
      timestamp: '2026-11-20T10:00:00.000Z',
    });
    expect(body).not.toHaveProperty('phone');
    expect(body.webhookId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('every kind of change has its event, in the shape of its schema', async () => {
    await withWebhooks();
    const { id } = gh.sim.ui.createContact('LOC1', { firstName: 'Ann', lastName: 'Lee' });
    gh.sim.ui.addTags(id, ['VIP']);
    gh.sim.ui.setDnd(id, true);
    await call('PUT', `/contacts/${id}`, { firstName: 'Eve', tags: [], dndSettings: { SMS: { status: 'active' } } });
    await call('POST', `/contacts/${id}/tags`, { tags: [] });
    const { note } = (await call('POST', `/contacts/${id}/notes`, { body: 'hi' })).body;
    await call('DELETE', `/contacts/${id}/notes/${note.id}`);
    await call('POST', `/contacts/${id}/tasks`, { title: 'Call', dueDate: '2026-11-21', completed: false });
    const sale = { locationId: 'LOC1', pipelineId: 'PIPE', contactId: id, name: 'Sale', status: 'open' };
    const { opportunity } = (await call('POST', '/opportunities/', sale)).body;
    await call('PUT', `/opportunities/${opportunity.id}`, { status: 'won', pipelineStageId: 'ST2', monetaryValue: 3 });
    await call('DELETE', `/contacts/${id}`);
    await gh.sim.flushWebhooks();
    expect(types()).toEqual([
      'ContactCreate',
      'ContactTagUpdate',
      'ContactDndUpdate',
      'ContactUpdate',
      'ContactTagUpdate',
      'ContactDndUpdate',
      'NoteCreate',
      'NoteDelete',
      'TaskCreate',
      'OpportunityCreate',
      'OpportunityUpdate',
      'OpportunityStatusUpdate',
      'OpportunityStageUpdate',
      'OpportunityMonetaryValueUpdate',
      'ContactDelete',
    ]);
    const described = received.filter(
      ({ body }) => !['NoteDelete', 'OpportunityMonetaryValueUpdate'].includes(body.type),
    );
    expect(described.flatMap(({ body }) => webhookErrors(body))).toEqual([]);
    expect(received[1]!.body.tags).toEqual(['vip']);
    expect(received[5]!.body.dndSettings).toEqual({ SMS: { status: 'active' } });
  });

  test('a write that changes nothing sends nothing', async () => {
    await withWebhooks();
    const { id } = gh.sim.ui.createContact('LOC1', { firstName: 'Ann', tags: ['a'] });
    await call('PUT', `/contacts/${id}`, { firstName: 'Ann', tags: ['A'] });
    await gh.sim.flushWebhooks();
    expect(types()).toEqual(['ContactCreate']);
  });

  test('late ones wait for their time', async () => {
    await withWebhooks({ lagMs: 5_000 });
    gh.sim.ui.createContact('LOC1', { firstName: 'Ann' });
    await gh.sim.flushWebhooks({ dueOnly: true });
    expect(received).toHaveLength(0);
    gh.clock.ms += 5_000;
    await gh.sim.flushWebhooks({ dueOnly: true });
    expect(received).toHaveLength(1);
  });

  test('duplicates are the same bytes; lost ones never come', async () => {
    await withWebhooks({ duplicateRate: 1 });
    gh.sim.ui.createContact('LOC1', { firstName: 'Ann' });
    await gh.sim.flushWebhooks();
    expect(received).toHaveLength(2);
    expect(received[0]!.raw.equals(received[1]!.raw)).toBe(true);

    received = [];
    await withWebhooks({ lostRate: 1 });
    gh.sim.ui.createContact('LOC1', { firstName: 'Ann' });
    await gh.sim.flushWebhooks();
    expect(received).toHaveLength(0);
  });

  test('shuffled ones come in another order', async () => {
    let n = 0;
    await withWebhooks({ shuffle: true, random: () => (n = (n * 16_807 + 11) % 2_147_483_647) / 2_147_483_647 });
    for (let i = 0; i < 20; i += 1) gh.sim.ui.createContact('LOC1', { firstName: String(i).padStart(2, '0') });
    await gh.sim.flushWebhooks();
    const names = received.map(({ body }) => body.firstName as string);
    expect(names).not.toEqual(names.toSorted());
    expect(names.toSorted()).toHaveLength(20);
  });

  test('what is not answered 2xx is tried again with the same bytes', async () => {
    await withWebhooks();
    answers = [500, 302];
    gh.sim.ui.createContact('LOC1', { firstName: 'Ann' });
    for (let i = 0; i < 4; i += 1) await gh.sim.flushWebhooks();
    expect(received.map(({ raw }) => raw.toString())).toEqual(Array(3).fill(received[0]!.raw.toString()));
    expect(gh.sim.webhooks.attempts.map(({ status }) => status)).toEqual([500, 302, 200]);
  });

  test('they go out by themselves', async () => {
    await withWebhooks({ auto: true });
    const arrived = new Promise((resolve) => receiver.once('request', resolve));
    gh.sim.ui.createContact('LOC1', { firstName: 'Ann' });
    await arrived;
    await gh.sim.flushWebhooks();
    expect(types()).toEqual(['ContactCreate']);
  });

  test('a merge deletes the loser and fills the survivor', async () => {
    await withWebhooks();
    const survivor = gh.sim.ui.createContact('LOC1', { firstName: 'Ann', tags: ['a'] }).id;
    const loser = gh.sim.ui.createContact('LOC1', { firstName: 'Anna', phone: '+14155550100', tags: ['b'] }).id;
    await call('POST', `/contacts/${loser}/notes`, { body: 'hi' });
    await gh.sim.flushWebhooks();
    received = [];
    const merged = gh.sim.ui.mergeContacts(survivor, loser);
    expect(merged).toMatchObject({ firstName: 'Ann', phone: '+14155550100', tags: ['a', 'b'] });
    expect(gh.sim.state.notes(survivor)).toMatchObject([{ body: 'hi', contactId: survivor }]);
    await gh.sim.flushWebhooks();
    expect(types()).toEqual(['ContactDelete', 'ContactUpdate', 'ContactTagUpdate']);
  });

  test('installing and uninstalling is told, and uninstalling ends the OAuth tokens', async () => {
    await withWebhooks();
    gh.sim.sendAppEvent('INSTALL', 'LOC1');
    gh.sim.sendAppEvent('UNINSTALL', 'LOC1');
    await gh.sim.flushWebhooks();
    expect(received.map(({ body }) => [body.type, body.locationId, body.appId])).toEqual([
      ['INSTALL', 'LOC1', 'simapp'],
      ['UNINSTALL', 'LOC1', 'simapp'],
    ]);
  });

  test('a workflow action posts a flat body with labels, unsigned', async () => {
    await withWebhooks();
    gh.sim.ui.addCustomField('LOC1', { name: 'Sticky Balance', dataType: 'NUMERICAL' });
    const edit = { firstName: 'Ann', phone: '+14155550100', tags: ['a', 'b'], customFields: { sticky_balance: 5 } };
    const { id } = gh.sim.ui.createContact('LOC1', edit);
    const posted = await gh.sim.runWorkflow(id, url, { customData: { action: 'send_push' } });
    expect(posted.status).toBe(200);
    expect(received[0]!.signature).toBe('undefined');
    expect(received[0]!.body).toMatchObject({
      contact_id: id,
      first_name: 'Ann',
      phone: '+14155550100',
      tags: 'a,b',
      'Sticky Balance': 5,
      location: { id: 'LOC1' },
      customData: { action: 'send_push' },
    });
  });
});
