import { startPostgres } from './postgres.ts';

export default async function globalSetup(): Promise<void> {
  const server = await startPostgres();
  process.env.TEST_PG_URL = server.url();
  (globalThis as { postgresServer?: unknown }).postgresServer = server;
}
