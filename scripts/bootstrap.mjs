#!/usr/bin/env node
// Runs before `npm start`, `npm test` and the like: installs when the lock file (or Node, or the platform) changed and
// builds when the sources changed. No dependencies; nothing global; safe to run twice at once; a half-finished
// install is done again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LOCK = '.bootstrap.lock';
const INSTALLED = 'node_modules/.bootstrap-install';
const BUILT = 'dist/.bootstrap-build';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Node ${process.versions.node} is too old: 20.19 or newer is needed to install (the project brings its own to run).`,
  );
  process.exit(1);
}

const read = (file) => (existsSync(file) ? readFileSync(file) : '');
const hash = (...parts) => parts.reduce((h, part) => h.update(part).update('\0'), createHash('sha256')).digest('hex');
const filesIn = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesIn(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort((a, b) => (a < b ? -1 : 1));
const installKey = () => hash(read('package.json'), read('package-lock.json'), process.platform, process.arch);
const buildKey = () =>
  hash(
    read('tsconfig.json'),
    installKey(),
    ...['src', 'drizzle'].flatMap(filesIn).flatMap((file) => [file, read(file)]),
  );
const isFresh = (file, key) => read(file).toString() === key;
const needsInstall = () => !isFresh(INSTALLED, installKey());
const needsBuild = () => process.argv.includes('build') && !isFresh(BUILT, buildKey());

function run(command, args, env = {}) {
  const result = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  console.error(
    `bootstrap: ${command} ${args.join(' ')} failed (${result.status ?? result.signal ?? result.error?.message})`,
  );
  rmSync(LOCK, { recursive: true, force: true });
  process.exit(1);
}

/** mkdir is the lock; that of a process which is gone is taken over. */
function takeLock() {
  for (const end = Date.now() + 15 * 60_000; ;) {
    try {
      mkdirSync(LOCK);
      writeFileSync(join(LOCK, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld()) {
      rmSync(LOCK, { recursive: true, force: true });
      continue;
    }
    if (Date.now() > end) throw new Error(`another bootstrap holds ${LOCK}`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  }
}

function isHeld() {
  const pid = Number(read(join(LOCK, 'pid')).toString());
  // Between the folder and the file in it.
  if (!pid) return existsSync(LOCK) && Date.now() - statSync(LOCK).mtimeMs < 2000;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function install() {
  const startedAt = Date.now();
  console.error('bootstrap: installing dependencies (first run or changed lock file) ...');
  rmSync(INSTALLED, { force: true });
  // The script that npm itself runs under is the right npm; `npm` on the path is the fallback.
  const npmScript = process.env.npm_execpath;
  const [command, first] = npmScript && /\.c?js$/.test(npmScript) ? [process.execPath, [npmScript]] : ['npm', []];
  run(command, [...first, 'ci', '--include=dev', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']);
  writeFileSync(INSTALLED, installKey());
  console.error(`bootstrap: installed in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

function build() {
  const startedAt = Date.now();
  rmSync('dist', { recursive: true, force: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']);
  writeFileSync(BUILT, buildKey());
  console.error(`bootstrap: built in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

if (needsInstall() || needsBuild()) {
  takeLock();
  process.once('exit', () => rmSync(LOCK, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  if (needsInstall()) install();
  if (needsBuild()) build();
}
