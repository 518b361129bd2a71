import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

export const LOCAL_SECRET_NAMES = ['ENCRYPTION_KEY', 'ADMIN_TOKEN', 'ADMIN_PASSWORD'] as const;
export type LocalSecrets = Record<(typeof LOCAL_SECRET_NAMES)[number], string>;

const shape = z.object({ ENCRYPTION_KEY: z.string(), ADMIN_TOKEN: z.string(), ADMIN_PASSWORD: z.string() });

const make = (): LocalSecrets => ({
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
  ADMIN_TOKEN: randomBytes(24).toString('base64url'),
  ADMIN_PASSWORD: randomBytes(9).toString('base64url'),
});

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code;

/**
 * The secrets of a start outside production that names none: made up once and kept in `<folder>/secrets.json`, readable
 * by its owner alone. `made` says that this call made them, so that main prints them once. Throws when the file is
 * there and unreadable: new keys would lock the stored secrets away.
 */
export function localSecrets(folder: string): { secrets: LocalSecrets; made: boolean; file: string } {
  const file = join(folder, 'secrets.json');
  const known = read(file);
  if (known) return { secrets: known, made: false, file };
  mkdirSync(folder, { recursive: true });
  const secrets = make();
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'w', flush: true });
  try {
    // A link, not a rename: of two processes that start together one wins, and both use the winner's file.
    linkSync(partial, file);
    return { secrets, made: true, file };
  } catch (error) {
    const winner = codeOf(error) === 'EEXIST' ? read(file) : null;
    if (!winner) throw error;
    return { secrets: winner, made: false, file };
  } finally {
    rmSync(partial, { force: true });
  }
}

function read(file: string): LocalSecrets | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
  return shape.parse(JSON.parse(text));
}
