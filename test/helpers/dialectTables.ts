import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../src/paths.ts';

interface Dialect {
  requestsPerSecond: number;
  capabilities: Record<string, boolean>;
}

/** The shipped tables in a folder of their own, with a changed `report` dialect. */
export function tablesWith(change: (dialect: Dialect) => Partial<Dialect>): string {
  const configDir = join(mkdtempSync(join(tmpdir(), 'config-')), 'config');
  cpSync(join(projectRoot, 'config'), configDir, { recursive: true });
  const file = join(configDir, 'dialects', 'report.json');
  const dialect = JSON.parse(readFileSync(file, 'utf8')) as Dialect;
  writeFileSync(file, JSON.stringify({ ...dialect, ...change(dialect) }));
  return configDir;
}

let quick: string | null = null;

/** The shipped tables, with a Sticky Cards that may be called as often as there is work. */
export const quickTables = (): string => (quick ??= tablesWith(() => ({ requestsPerSecond: 10_000 })));
