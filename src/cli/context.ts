import { systemClock } from '../clock.ts';
import { type Config, loadConfig } from '../config.ts';
import { type Core, createCore } from '../core.ts';
import type { Logger } from '../log.ts';
import { maskPersonal } from '../maskPersonal.ts';
import { type ConnectionStore, createConnectionStore } from '../store/connections.ts';
import { createSecretBox } from '../store/secrets.ts';
import { openStore, type Store } from '../store/store.ts';

/** What every command works with; tests give their own. */
export interface Cli {
  out(text: string): void;
  err(text: string): void;
  config(): Config;
  /** Columns of the terminal that a person looks at; left out where another program reads. */
  columns?: number;
}

export const terminal: Cli = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  config: () => loadConfig(),
  ...(process.stdout.isTTY && { columns: process.stdout.columns }),
};

/** Who did it, in the audit log. */
export const ACTOR = 'cli';

/** The configuration; secrets that were made up by this very command are told once, as a start would. */
function configOf(cli: Cli): Config {
  const config = cli.config();
  if (config.madeUp) {
    const { file, secrets } = config.madeUp;
    cli.err(`These secrets were made up for this machine and are kept in ${file}; they are shown only now:\n`);
    for (const { name, value } of secrets) cli.err(`  ${name}=${value}\n`);
  }
  return config;
}

/** For commands that only look. */
export async function withStore<T>(cli: Cli, work: (store: Store, config: Config) => Promise<T>): Promise<T> {
  const config = configOf(cli);
  const store = await openStore(config.databaseUrl, systemClock);
  try {
    return await work(store, config);
  } finally {
    await store.close();
  }
}

/** For commands that look after connections; a running service sees the change within a second. */
export const withConnections = <T>(cli: Cli, work: (connections: ConnectionStore) => Promise<T>): Promise<T> =>
  withStore(cli, (store, config) => work(createConnectionStore(store, createSecretBox(config.encryptionKeys))));

/**
 * For commands that need the whole program without its doors. Ctrl+C ends it in order. `errors` counts the errors that
 * were told so far.
 */
export async function withCore<T>(cli: Cli, work: (core: Core, errors: () => number) => Promise<T>): Promise<T> {
  const { log, errors } = linesTo(cli);
  const core = await createCore(configOf(cli), { log });
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= core.close());
  const interrupted = () => void close().finally(() => process.exit(130));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    return await work(core, errors);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await close();
  }
}

/** Warnings and errors as lines for people; standard output belongs to the command's answer. */
function linesTo(cli: Cli): { log: Logger; errors: () => number } {
  let count = 0;
  const warn = (message: unknown, meta?: unknown) => {
    const { connection, reason } = (meta ?? {}) as { connection?: unknown; reason?: unknown };
    const parts = [connection, message, reason].filter((part) => typeof part === 'string');
    cli.err(`${maskPersonal(parts.join(': '))}\n`);
  };
  const error = (message: unknown, meta?: unknown) => {
    count += 1;
    warn(message, meta);
  };
  const quiet = () => undefined;
  return { log: { error, warn, info: quiet, debug: quiet } as unknown as Logger, errors: () => count };
}
