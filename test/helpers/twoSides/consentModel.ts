/** What Sticky Cards was told, and the words that it was decided from. */
export interface ConsentState {
  word: string | null;
  dnd: boolean;
  optIn: boolean;
}

const OUT = ['no', 'false', '0', 'out', 'opted_out'];
const IN = ['yes', 'true', '1', 'in', 'opted_in'];

/** SPEC §3.2, opt_in_status and DND. */
function read(base: ConsentState, now: { word: string | null; dnd: boolean }): ConsentState {
  const word = now.word?.toLowerCase() ?? '';
  const edited = now.word !== base.word;
  let { optIn } = base;
  if ((now.dnd && !base.dnd) || (edited && OUT.includes(word))) optIn = false;
  else if (edited && IN.includes(word) && !now.dnd) optIn = true;
  return { ...now, optIn };
}

const unique = (states: readonly ConsentState[]): ConsentState[] => [
  ...new Map(states.map((state) => [JSON.stringify([state.word, state.dnd, state.optIn]), state])).values(),
];

/** An edit is read, or is replaced before anybody reads it, or its effect is known to Sticky Cards alone (a lost answer). */
export const afterEdit = (
  states: readonly ConsentState[],
  now: { word: string | null; dnd: boolean },
): ConsentState[] =>
  unique(
    states.flatMap((state) => {
      const seen = read(state, now);
      return [state, seen, { ...state, optIn: seen.optIn }];
    }),
  );

/** What stands at last is read by everybody. */
export const whenQuiet = (
  states: readonly ConsentState[],
  now: { word: string | null; dnd: boolean },
): ConsentState[] => unique(states.map((state) => read(state, now)));
