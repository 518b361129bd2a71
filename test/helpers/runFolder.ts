import { existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system in memory: processes die in the tests, the machine never does, and commits are cheap there. */
const MEMORY = '/dev/shm';
/** A whole run writes well under one GB. */
const ROOM_BYTES = 2 * 2 ** 30;

function root(): string {
  if (!existsSync(MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM_BYTES ? MEMORY : tmpdir();
}

/**
 * From here on `tmpdir()` is a folder of this run alone, in the workers too (they inherit the variable; in a test file
 * it could not be set, its environment is a copy). Answers how to remove it.
 */
export function useRunFolder(): () => void {
  const folder = mkdtempSync(join(root(), 'sticky-ghl-tests-'));
  process.env.TMPDIR = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
