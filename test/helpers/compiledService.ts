import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../src/paths.ts';

const FOLDER = join(projectRoot, 'node_modules/.cache/sticky-ghl-compiled');
const ALL = ['quickImports.ts', 'serve.ts', 'cli/program.ts'];

/**
 * The service is started as a process many times: from here on Node keeps what it compiled of it, which is half of such
 * a start. A process that is killed keeps nothing, so the first one only imports everything.
 */
export async function keepCompiled(): Promise<void> {
  process.env.NODE_COMPILE_CACHE = FOLDER;
  if (existsSync(FOLDER)) return;
  const imports = ALL.map((file) => `await import(${JSON.stringify(join(projectRoot, 'src', file))});`).join(' ');
  const args = ['--no-warnings', '--input-type=module', '--eval', imports];
  await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } });
}
