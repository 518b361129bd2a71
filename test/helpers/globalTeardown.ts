export default async function globalTeardown(): Promise<void> {
  await (globalThis as { postgresServer?: { stop(): Promise<void> } }).postgresServer?.stop();
}
