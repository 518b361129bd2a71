// What has to be entered where for a new client, and the watch for the first delivery (SPEC §6, set-up page).
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runCli } from '../../src/cli/program.ts';
import { delivery } from '../helpers/story.ts';
import { startTestApp, type TestApp } from '../helpers/testApp.ts';

interface Place {
  url: string;
  events: string[];
  notes: string[];
}
interface Setup {
  stickyCards: Place;
  ghlApp: Place;
  ghlWorkflow: Place & { body: Record<string, unknown> };
  actions: { action: string; url: string; body: Record<string, unknown> }[];
  missing: string[];
  deliveries: { stickyCards: { heard: boolean }; lastRefused: { reason: string } | null };
}

let t: TestApp;
beforeEach(async () => {
  t = await startTestApp({ env: { PUBLIC_URL: 'https://sync.example.com' } });
});
afterEach(() => t.stop());

const setup = async (name: string, query = '') => {
  const { status, body } = await t.api(`/connections/${name}/setup${query}`);
  expect(status).toBe(200);
  return body as unknown as Setup;
};

async function post(name: string, secret: string): Promise<number> {
  const body = JSON.stringify(delivery('CardInstalledEvent', 1));
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const url = `${t.url}/webhooks/sticky-cards/${name}`;
  const answer = await fetch(url, { method: 'POST', headers: { 'x-sticky-signature': signature }, body });
  return answer.status;
}

async function cli(...args: string[]) {
  let out = '';
  const io = { out: (text: string) => void (out += text), err: () => undefined, config: () => t.app.config };
  return { code: await runCli(args, io), out };
}

test('every address is whole, every event is named, and no secret is in it', async () => {
  const found = await setup('default');
  expect(found.stickyCards.url).toBe('https://sync.example.com/webhooks/sticky-cards/default');
  expect(found.stickyCards.events).toHaveLength(14);
  expect(found.ghlApp.url).toBe('https://sync.example.com/webhooks/ghl');
  expect(found.ghlApp.events).toContain('ContactUpdate');
  expect(found.ghlWorkflow.url).toBe('https://sync.example.com/webhooks/ghl/workflow/default');
  expect(found.actions.map(({ action }) => action)).toEqual([
    'push',
    'issue-card',
    'add-points',
    'card-status',
    'segments',
    'preferences',
    'sync-contact',
  ]);
  expect(found.actions[2]).toMatchObject({
    url: 'https://sync.example.com/actions/default/add-points',
    body: { contact_id: '{{contact.id}}', location_id: '{{location.id}}', points: 50 },
  });
  for (const secret of ['whsec_7d1f0c', 'wf_51c9d2', 'pit-5f2c', 'sk_7a9e'])
    expect(JSON.stringify(found)).not.toContain(secret);
  const { code, out } = await cli('connections', 'setup', 'default');
  expect(code).toBe(0);
  expect(out).toContain('https://sync.example.com/webhooks/sticky-cards/default');
});

test('a new client: secrets are made and shown once, what is missing is listed, the first delivery ends the wait', async () => {
  const made = await t.api('/connections', { name: 'north', generateSecrets: true });
  expect(made.status).toBe(201);
  const secret = made.body['generatedWebhookSecret'] as string;
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(made.body['generatedWorkflowKey']).toMatch(/^[\w-]{43}$/);
  for (const path of ['/connections/north', '/connections', '/connections/north/setup'])
    expect(JSON.stringify((await t.api(path)).body)).not.toContain(secret);
  expect((await setup('north')).missing).toEqual(
    expect.arrayContaining([
      expect.stringContaining('ghlLocationId'),
      expect.stringContaining('ghlAccessToken'),
      expect.stringContaining('wait for the first delivery'),
      expect.stringContaining('activate'),
    ]),
  );

  const waiting = setup('north', '?wait=first_delivery');
  expect(await post('north', secret)).toBe(202);
  const found = await waiting;
  expect(found.deliveries.stickyCards.heard).toBe(true);
  expect(found.missing.join()).not.toContain('first delivery');
});

test('without being asked for no secret is made up', async () => {
  const made = await t.api('/connections', { name: 'south' });
  expect(made.body).not.toHaveProperty('generatedWebhookSecret');
  expect(made.body['secretsSet']).toEqual([]);
  const given = await t.api('/connections', {
    name: 'east',
    generateSecrets: true,
    stickyCardsWebhookSecrets: ['whsec-of-the-account'],
  });
  expect(given.body).not.toHaveProperty('generatedWebhookSecret');
  expect(given.body).toHaveProperty('generatedWorkflowKey');
});

test('a refused delivery ends the wait too, and says why', async () => {
  await t.api('/connections', { name: 'north', generateSecrets: true });
  const waiting = setup('north', '?wait=first_delivery');
  expect(await post('north', 'another secret')).toBe(401);
  expect((await waiting).deliveries).toMatchObject({
    stickyCards: { heard: false },
    lastRefused: { reason: expect.any(String) },
  });
});

test('an account that cannot sign gets an address with a place for the secret', async () => {
  await t.api('/connections', { name: 'west', stickyCardsWebhookMode: 'path-secret' });
  expect((await setup('west')).stickyCards.url).toBe(
    'https://sync.example.com/webhooks/sticky-cards/west/<webhook secret>',
  );
});

test('whoever waits does not hold up a restart', async () => {
  await t.api('/connections', { name: 'north', generateSecrets: true });
  const waiting = t.api('/connections/north/setup?wait=first_delivery').catch(() => null);
  await new Promise((resolve) => setImmediate(resolve));
  const began = performance.now();
  await t.restart();
  expect(performance.now() - began).toBeLessThan(9000);
  await waiting;
});
