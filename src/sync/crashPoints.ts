import type { CommandRow } from '../store/commands.ts';

/**
 * Between every two steps of performing a command, in their order: a process may die at each of them, and the next one
 * carries on from what is on disk (SPEC §3.5, §8).
 */
export const CRASH_POINTS = [
  'claimed',
  'looked',
  'look_settled',
  'prepared',
  'sending',
  'answered',
  'settled',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/** Called at each point; the program's own does nothing, a test dies here. */
export type CrashHook = (point: CrashPoint, command: Pick<CommandRow, 'id' | 'kind'>) => void;

export const noCrash: CrashHook = () => undefined;
