import { editsInGhl } from './editsInGhl.ts';
import { editsInSticky } from './editsInSticky.ts';
import type { Person } from './person.ts';
import type { Random } from './random.ts';
import { tell, type World } from './world.ts';

/** One thing that a person may do. Answers what was done; null where it makes no sense now. */
export interface Edit {
  weight: number;
  /** Also while a run is under way: what nobody could tell apart then is left out (SPEC §3.3, overwritten edits). */
  inRun: boolean;
  apply(world: World, person: Person, random: Random): string | null;
}

function drawn(edits: readonly Edit[], random: Random): Edit {
  let left = random.next() * edits.reduce((sum, { weight }) => sum + weight, 0);
  for (const edit of edits) if ((left -= edit.weight) < 0) return edit;
  return edits.at(-1) as Edit;
}

const all = { ghl: editsInGhl, stickycards: editsInSticky };

/** A random change of a person's record on one side. */
export function edit(world: World, person: Person, side: 'ghl' | 'stickycards', random: Random, inRun: boolean): void {
  if (!person.linked) return;
  // Two things of one moment have no order: of two events with one time the rank decides, whatever happened first.
  world.clock.ahead(2);
  const possible = all[side].filter((each) => !inRun || each.inRun);
  for (let tries = 0; tries < 4; tries++) {
    const done = drawn(possible, random).apply(world, person, random);
    if (done === null) continue;
    person.changes += 1;
    tell(world, person, `${side === 'ghl' ? 'GHL' : 'Sticky Cards'}${inRun ? ' (in a run)' : ''}: ${done}`);
    return;
  }
}

/** What people do while a run is under way: often to the very contact that is in hand. */
export function meddle(world: World): void {
  const { mix, inRun } = world;
  world.onCall = ({ side, method, path }) => {
    if (!inRun.chance(mix.editsInRun)) return;
    if (inRun.chance(0.2)) world.deliveries.push(deliverDue(world));
    const id = /[^/]+$/.exec(path.replace(/\/(balance|status|tags|segments|preferences)$/, ''))?.[0];
    const met = world.people.find((person) => person.contactId === id || person.customerId === id);
    const person = met ?? inRun.pick(world.people);
    const act = () => edit(world, person, inRun.chance(0.75) ? 'ghl' : 'stickycards', inRun, true);
    // Before the call is looked at: between the GET of a job and its PUT. Or a little later.
    if (method === 'PUT' || side === 'stickycards' || inRun.chance(0.5)) act();
    else world.deliveries.push(soon(world, inRun.int(0, 6)).then(act));
  };
}

const soon = (world: World, ms: number): Promise<void> => world.clock.sleep(ms);

async function deliverDue({ t }: World): Promise<void> {
  await t.ghl.flushWebhooks({ dueOnly: true });
  await t.stickyCards.flushWebhooks({ dueOnly: true });
}
