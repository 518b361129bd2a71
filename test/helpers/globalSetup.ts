import { keepCompiled } from './compiledService.ts';
import { startPostgres } from './postgres.ts';
import { useRunFolder } from './runFolder.ts';

export default async function globalSetup(): Promise<void> {
  const [server] = await Promise.all([startPostgres(), keepCompiled()]);
  const removeRunFolder = useRunFolder();
  process.env.TEST_PG_URL = server.url();
  (globalThis as { endTests?: unknown }).endTests = async () => {
    await server.stop();
    removeRunFolder();
  };
}
