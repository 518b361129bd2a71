import type { World } from './world.ts';

export interface HookedCall {
  side: 'ghl' | 'stickycards';
  method: string;
  path: string;
}
export type Hook = (call: HookedCall) => void;

/** A path that strikes when the function says so: faults ask their paths, so each call can be watched and drawn for. */
class Drawn extends RegExp {
  readonly #strikes: (path: string) => boolean;
  constructor(strikes: (path: string) => boolean) {
    super('');
    this.#strikes = strikes;
  }
  override [Symbol.search](path: string): number {
    return this.#strikes(path) ? 0 : -1;
  }
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];

/** Arms what the world's mix says for the next run, and its hook. */
export function plague(world: World): void {
  const { t, mix, inRun } = world;
  const share = (part: number) => new Drawn(() => inRun.chance(part));
  for (const [side, name] of [
    [t.ghl, 'ghl'],
    [t.stickyCards, 'stickycards'],
  ] as const) {
    for (const method of METHODS)
      side.faults.add({
        kind: 'delay',
        method,
        path: new Drawn((path) => {
          world.onCall?.({ side: name, method, path });
          return false;
        }),
      });
    if (mix.lostAnswers > 0) side.faults.add({ kind: 'reset_after', path: share(mix.lostAnswers) });
    if (mix.lostRequests > 0) side.faults.add({ kind: 'reset_before', path: share(mix.lostRequests) });
    if (mix.refusals === 0) continue;
    side.faults.add({ kind: 'status', status: 503, path: share(mix.refusals / 2) });
    side.faults.add({ kind: 'status', status: 429, headers: { 'Retry-After': '1' }, path: share(mix.refusals / 4) });
    side.faults.add({ kind: 'html', path: share(mix.refusals / 4) });
  }
}

/** Nothing goes wrong any more until the next `plague`. */
export function calmDown({ t }: World): void {
  t.ghl.faults.clear();
  t.stickyCards.faults.clear();
}

/** How webhooks leave from now on. */
export function plagueWebhooks({ t, mix, random }: World): void {
  const { duplicates: duplicateRate, shuffled: shuffle, lagMs } = mix;
  const options = { duplicateRate, shuffle, lagMs: lagMs === 0 ? 0 : random.int(0, lagMs) };
  t.ghl.webhooks.setOptions({ ...options, lostRate: mix.lostOfGhl });
  t.stickyCards.webhooks.setOptions({ ...options, lostRate: mix.lostOfSticky });
}

export function calmWebhooks({ t }: World): void {
  const options = { duplicateRate: 0, shuffle: false, lagMs: 0, lostRate: 0 };
  t.ghl.webhooks.setOptions(options);
  t.stickyCards.webhooks.setOptions(options);
}
