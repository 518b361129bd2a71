import { ago, type Check, green, judgeDisk, judgeLag, red, yellow } from '../domain/doctor.ts';
import { EVENT_EFFECTS } from '../domain/eventEffects.ts';
import { commandsForPeople, oldestMark, openProblemCodes } from '../store/doctorQueries.ts';
import { everHeard, type Heard, heardLately, lastRefused } from '../store/heard.ts';
import { oldestPending, oldestUnfolded } from '../store/overviewQueries.ts';
import { type SidePause, sidePauseOf } from '../sync/sidePause.ts';
import type { Patient } from './doctorPatient.ts';

/** What is looked at without asking anybody: our own tables, settings and machine. */
export const OWN_CHECKS: readonly ((patient: Patient) => Promise<Check[]>)[] = [
  stickyWebhooks,
  ghlWebhooks,
  pauses,
  lag,
  commands,
  problems,
  disk,
  secrets,
];

const QUIET_MS = 7 * 86_400_000;
const GHL_TYPES = ['ContactCreate', 'ContactUpdate', 'ContactTagUpdate', 'ContactDndUpdate', 'ContactDelete'];

const newest = (heard: readonly Heard[]) => Math.max(...heard.map((one) => one.lastAt.getTime()));
const unseen = (types: readonly string[], heard: readonly Heard[]) =>
  types.filter((type) => !heard.some((one) => one.type === type));

async function stickyWebhooks({ store, connection, clock }: Patient): Promise<Check[]> {
  const title = 'Webhooks of Sticky Cards';
  const { webhookMode, webhookSecrets } = connection.stickyCards;
  const checks: Check[] = [];
  const setUp = `sticky-ghl connections setup ${connection.id} says where to and how.`;
  if (webhookMode === 'log-only')
    checks.push(
      yellow(
        'sticky_webhook_secret',
        'Signature of Sticky Cards',
        'log-only: what is not signed is taken too, and flagged',
        'Set stickyCardsWebhookSecrets, then stickyCardsWebhookMode to enforce (or path-secret, if the account cannot sign).',
      ),
    );
  else if (webhookSecrets.length === 0)
    checks.push(
      red(
        'sticky_webhook_secret',
        'Signature of Sticky Cards',
        'no secret is set: every delivery is refused',
        'Set stickyCardsWebhookSecrets to the secret that Sticky Cards signs with.',
      ),
    );
  else
    checks.push(
      green('sticky_webhook_secret', 'Signature of Sticky Cards', `${webhookMode}, ${webhookSecrets.length} live`),
    );
  const heard = (await heardLately(store, connection.id)).filter(({ source }) => source === 'stickycards');
  const refused = await lastRefused(store, connection.id);
  const lastMs = heard.length === 0 ? null : newest(heard);
  if (refused?.source === 'stickycards' && refused.receivedAt.getTime() > (lastMs ?? 0))
    checks.push(
      red(
        'sticky_webhooks',
        title,
        `the last delivery was refused ${ago(clock.nowMs() - refused.receivedAt.getTime())} ago: ${refused.reason ?? 'no reason'}`,
        `Compare secret and address with Sticky Cards: ${setUp}`,
      ),
    );
  else if (lastMs === null) {
    const ever = await everHeard(store, connection.id, 'stickycards');
    checks.push(
      connection.mode === 'live' && !ever
        ? red('sticky_webhooks', title, 'none has ever come', `Enter the address in Sticky Cards: ${setUp}`)
        : yellow(
            'sticky_webhooks',
            title,
            ever ? 'none lately' : 'none has ever come',
            `Check the address in Sticky Cards: ${setUp}`,
          ),
    );
  } else {
    const missing = unseen(Object.keys(EVENT_EFFECTS), heard);
    const never = missing.length === 0 ? '' : `; not seen lately: ${missing.join(', ')}`;
    const silentMs = clock.nowMs() - lastMs;
    const found = `the last one came ${ago(silentMs)} ago${never}`;
    checks.push(
      silentMs > QUIET_MS
        ? yellow('sticky_webhooks', title, found, `Look whether they are still switched on in Sticky Cards: ${setUp}`)
        : green('sticky_webhooks', title, found),
    );
  }
  return checks;
}

async function ghlWebhooks({ store, connection, clock }: Patient): Promise<Check[]> {
  const title = 'Webhooks of GHL';
  const all = await heardLately(store, connection.id);
  const app = all.filter(({ source }) => source === 'ghl');
  const workflow = all.filter(({ source }) => source === 'ghl_workflow');
  const byWorkflow =
    workflow.length === 0 ? '' : `; the last workflow call ${ago(clock.nowMs() - newest(workflow))} ago`;
  if (app.length === 0)
    return [
      yellow(
        'ghl_webhooks',
        title,
        `no app webhook lately${byWorkflow}: changes are found by asking GHL in every run`,
        'With a Private Integration Token alone there are none: nothing is missed but an edit that our own write goes over. With the app installed, check its webhook address at the marketplace.',
      ),
    ];
  const missing = unseen(GHL_TYPES, app);
  const never = missing.length === 0 ? '' : `; not seen lately: ${missing.join(', ')}`;
  return [
    green('ghl_webhooks', title, `the last one came ${ago(clock.nowMs() - newest(app))} ago${never}${byWorkflow}`),
  ];
}

async function pauses({ connection, connections, service, store }: Patient): Promise<Check[]> {
  const title = 'Pauses';
  const checks: Check[] = [];
  const resume = `sticky-ghl connections resume ${connection.id}`;
  if (connection.state === 'fingerprint')
    checks.push(red('paused', title, connection.reason ?? 'it points at another account', 'Do what the reason says.'));
  else if (connection.state === 'paused')
    checks.push(yellow('paused', title, connection.reason ?? 'paused', `When the reason is over: ${resume}`));
  if (connection.pausedDirections.length > 0)
    checks.push(yellow('paused_directions', title, `paused: ${connection.pausedDirections.join(', ')}`, resume));
  if (service.syncPaused)
    checks.push(
      yellow(
        'paused_clock',
        title,
        'SYNC_PAUSED is on: the clock starts no runs',
        'Take SYNC_PAUSED out and start again.',
      ),
    );
  if (connection.mode === 'observe')
    checks.push(
      yellow(
        'observe',
        'Mode',
        'observe: nothing is written to either side',
        `See what going live would do (sticky-ghl connections first-link ${connection.id}), then activate it.`,
      ),
    );
  for (const side of ['ghl', 'stickycards'] as const) {
    const pause: SidePause | null = await sidePauseOf(connections, connection.id, side);
    if (pause)
      checks.push(
        red(
          `paused_${side}`,
          title,
          `paused by itself for ${ago(store.clock.nowMs() - pause.sinceMs)}: ${pause.message}`,
          `Read the remedy of the problem ${pause.code}.`,
        ),
      );
  }
  return checks.length > 0 ? checks : [green('paused', title, 'none')];
}

async function lag({ store, connection }: Patient): Promise<Check[]> {
  const waiting = [
    await oldestPending(store, connection.id),
    (await oldestUnfolded(store)).get(connection.id) ?? null,
    connection.mode === 'live' ? await oldestMark(store, connection.id) : null,
  ].filter((at) => at !== null);
  const oldest = waiting.length === 0 ? null : Math.min(...waiting.map((at) => at.getTime()));
  return [judgeLag(oldest, store.clock.nowMs(), connection.mode)];
}

async function commands({ store, connection }: Patient): Promise<Check[]> {
  const title = 'Commands that wait for a person';
  const { unknown, held } = await commandsForPeople(store, connection.id);
  if (unknown + held === 0) return [green('commands', title, 'none')];
  return [
    yellow(
      'commands',
      title,
      `${unknown} unknown, ${held} held`,
      `sticky-ghl commands --state unknown -c ${connection.id} (and --state held) lists them with what can be decided.`,
    ),
  ];
}

async function problems({ store, connection }: Patient): Promise<Check[]> {
  const codes = await openProblemCodes(store, connection.id);
  if (codes.length === 0) return [green('problems', 'Open problems', 'none')];
  return [
    yellow('problems', 'Open problems', codes.join(', '), 'GET /api/problems?state=open says what to do about each.'),
  ];
}

async function disk({ freeBytes }: Patient): Promise<Check[]> {
  return [judgeDisk(await freeBytes())];
}

function secrets({ connection, service }: Patient): Promise<Check[]> {
  const title = 'Secrets';
  const { isStrong, production } = service;
  const ofConnection: [string, string | null][] = [
    ...connection.stickyCards.webhookSecrets.map((secret): [string, string] => ['stickyCardsWebhookSecrets', secret]),
    ['ghlWorkflowKey', connection.ghl.workflowKey],
    ['stickerWebhookSecret', connection.sticker.webhookSecret],
  ];
  const weak = [
    ...service.weakSecrets,
    ...ofConnection.filter(([, secret]) => secret !== null && !isStrong(secret)).map(([name]) => name),
  ];
  if (weak.length === 0) return Promise.resolve([green('secrets', title, 'none is short or a default')]);
  const found = `short, or a word that everybody tries: ${[...new Set(weak)].join(', ')}`;
  const remedy = 'Make new ones with: openssl rand -base64 32';
  return Promise.resolve([production ? red('secrets', title, found, remedy) : yellow('secrets', title, found, remedy)]);
}
