import { type App, createApp } from './app.ts';
import { type Config, loadConfig } from './config.ts';
import { AppError, messageOf } from './errors.ts';
import type { Sandbox } from './sandbox.ts';
import { SANDBOX_WEBHOOK_SECRET } from './sandboxConnection.ts';

/** Starts the service and keeps it until a signal ends it; a start that cannot be says why in one line per mistake. */
export async function serve(): Promise<void> {
  let app: App | null = null;
  let sandbox: Sandbox | null = null;
  let stopping = false;

  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    try {
      await app?.stop();
      await sandbox?.stop();
    } catch (error) {
      process.stderr.write(`stopping failed: ${messageOf(error)}\n`);
      process.exit(1);
    }
    process.exit(code);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(0));
  const crash = (error: unknown) => {
    if (app) app.log.error('the service ends because of an error that nobody caught', { error });
    else process.stderr.write(`${messageOf(error)}\n`);
    void stop(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  try {
    const config = loadConfig();
    // The simulated GHL signs with a key of its own, which this start trusts in place of the published one.
    const simulators = config.sandbox ? (await import('./sandbox.ts')).createSandbox() : null;
    app = await createApp(
      simulators
        ? { ...config, ghlApp: { ...config.ghlApp, webhookPublicKey: simulators.ghlWebhookPublicKey } }
        : config,
    );
    for (const warning of config.warnings) app.log.warn(warning);
    const { url } = await app.start();
    process.stdout.write(startText(config, url));
    if (simulators) {
      sandbox = await simulators.start(app);
      process.stdout.write(sandboxText(config, url, sandbox));
    }
  } catch (error) {
    process.stderr.write(
      error instanceof AppError ? `${error.message}\n` : `The service cannot start: ${explained(error)}\n`,
    );
    await app?.stop().catch(() => undefined);
    process.exit(1);
  }
}

function explained(error: unknown): string {
  const code = (error as { code?: string } | null)?.code;
  if (code === 'EACCES') return `no permission (${messageOf(error)})`;
  return messageOf(error);
}

function startText(config: Config, url: string): string {
  const lines = [
    `sticky-ghl-sync listens at ${url}`,
    `  the dashboard is at              ${config.publicUrl ?? url}/   (user admin, password ADMIN_PASSWORD)`,
  ];
  if (config.madeUp) {
    lines.push(
      '',
      `These secrets were made up for this machine and are kept in ${config.madeUp.file}; they are shown only now:`,
    );
    for (const { name, value } of config.madeUp.secrets) lines.push(`  ${name}=${value}`);
  }
  const base = config.publicUrl ?? url;
  if (!config.sandbox) {
    lines.push(`  webhooks of Sticky Cards go to   ${base}/webhooks/sticky-cards`);
    lines.push(`  app webhooks of GHL go to        ${base}/webhooks/ghl`);
  }
  return `${lines.join('\n')}\n`;
}

function sandboxText(config: Config, url: string, { ghl, stickyCards, people, deliveries, run }: Sandbox): string {
  const result = run
    ? `${run.status}: ${run.createdCount} contacts made, ${run.updatedCount} updated, ${run.skippedCount} left out with a reason, ${run.failedCount} failed, ${run.apiCalls} calls`
    : 'nothing was to do';
  return `
Nothing is configured, so this is the sandbox: both sides are simulated on this machine, nothing leaves it.
  A small day of ${people} people was played: ${deliveries} signed webhooks arrived, then a first run followed.
  The run: ${result}

  What GHL holds now          ${ghl.url}/__sim/
  What the shop did           ${stickyCards.url}/__sim/
  Runs, logs, customers       curl -H "Authorization: Bearer $ADMIN_TOKEN" ${url}/api/runs
  Webhooks go to              ${url}/webhooks/sticky-cards   (signed with ${SANDBOX_WEBHOOK_SECRET})
  The next run                by itself: ${config.syncCron}

The README shows how to send a delivery of your own. Ctrl+C ends it.
`;
}
