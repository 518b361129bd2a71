import { join, resolve } from 'node:path';
import { LOCAL_SECRET_NAMES, localSecrets } from './config/localSecrets.ts';
import { brokenRules, hasDefaultConnection, isConfigured, unknownNames } from './config/rules.ts';
import { type EncryptionKey, environment, type VariableName, variables, type Variables } from './config/variables.ts';
import { type ConnectionPatch, DEFAULT_SETTINGS } from './domain/connectionSettings.ts';
import { AppError, messageOf } from './errors.ts';
import { projectRoot } from './paths.ts';

export type { EncryptionKey } from './config/variables.ts';

/** Every mistake of the environment, one line each: the variable, what is wrong, the remedy. */
export class ConfigError extends AppError {
  readonly lines: readonly string[];
  constructor(lines: readonly string[]) {
    super('config', lines.join('\n'));
    this.name = 'ConfigError';
    this.lines = lines;
  }
}

export interface Config {
  production: boolean;
  /** What is no mistake but looks like one; to be shown once at the start. */
  warnings: readonly string[];
  port: number;
  host: string;
  databaseUrl: string;
  /** Folder of the embedded databases and of what a start outside production makes up. */
  dataFolder: string;
  syncCron: string;
  sandbox: boolean;
  startMode: 'observe' | 'live';
  syncPaused: boolean;
  massChangeBrake: boolean;
  /** The first one encrypts, all of them decrypt. */
  encryptionKeys: readonly EncryptionKey[];
  adminToken: string;
  adminPassword: string;
  /** Secrets that this very start made up, for main to print once; they stay in `file`. */
  madeUp: { file: string; secrets: { name: string; value: string }[] } | null;
  publicUrl: string | null;
  /** As for Express: false, true, a number of hops, or addresses. */
  trustProxy: boolean | number | string;
  logLevel: 'error' | 'warn' | 'info' | 'debug';
  alertWebhookUrl: string | null;
  heartbeatUrl: string | null;
  /** 0 = kept for ever. */
  retentionDays: { payloads: number; logs: number };
  defaultCountry: string;
  /** `webhookPublicKey` null = the published key; `webhookRsaPublicKey` null = RSA is off. */
  ghlApp: {
    apiBaseUrl: string;
    clientId: string | null;
    clientSecret: string | null;
    /** The page where somebody chooses the location to install the app in. */
    installUrl: string;
    webhookPublicKey: string | null;
    webhookRsaPublicKey: string | null;
  };
  /** What the environment sets of the connection `default`: what is left out stays as it was stored. */
  defaultConnection: ConnectionPatch | null;
}

/**
 * Reads the environment (SPEC §9), the only place that does. Throws ConfigError with one line per mistake. Outside
 * production secrets that are not set are made up and kept in `<root>/data`; relative paths start at `root`.
 */
export function loadConfig(env: Record<string, string | undefined> = process.env, root: string = projectRoot): Config {
  const { values, lines } = readVariables(env);
  const production = values.NODE_ENV === 'production';
  const sandbox = values.SANDBOX ?? (!production && !isConfigured(env));
  const described = !sandbox && hasDefaultConnection(env);
  const alreadyWrong = lines.map((line) => line.split(':')[0]);
  const broken = brokenRules(values, { production, defaultConnection: described });
  lines.push(...broken.filter((line) => !alreadyWrong.some((name) => line.includes(name as string))));
  const unknown = unknownNames(env);
  // Beside a mistake a misspelled name is the likely cause; in a start with nothing else set it would silently be the sandbox.
  const silent = sandbox && values.SANDBOX === undefined;
  const dataFolder = join(root, 'data');
  const ofSandbox = `file:${join(dataFolder, 'sandbox.db')}`;
  const databaseUrl = absolute(values.DATABASE_URL ?? (sandbox ? ofSandbox : 'file:./data/sync.db'), root);
  if (!sandbox && databaseUrl === ofSandbox)
    lines.push('DATABASE_URL: is the file of the sandbox: name another one, as in file:./data/sync.db');
  if (lines.length > 0 || (silent && unknown.length > 0)) throw new ConfigError([...unknown, ...lines]);

  const secrets = secretsOf(values, dataFolder);
  return {
    production,
    warnings: unknown,
    port: values.PORT ?? 3000,
    host: values.HOST ?? '0.0.0.0',
    databaseUrl,
    dataFolder,
    syncCron: values.SYNC_CRON ?? '*/5 * * * *',
    sandbox,
    startMode: values.START_MODE ?? 'observe',
    syncPaused: values.SYNC_PAUSED ?? false,
    massChangeBrake: values.MASS_CHANGE_BRAKE ?? true,
    ...secrets,
    publicUrl: values.PUBLIC_URL ?? null,
    trustProxy: values.TRUST_PROXY ?? false,
    logLevel: values.LOG_LEVEL ?? 'info',
    alertWebhookUrl: values.ALERT_WEBHOOK_URL ?? null,
    heartbeatUrl: values.HEARTBEAT_URL ?? null,
    retentionDays: values.RETENTION_DAYS ?? { payloads: 90, logs: 180 },
    defaultCountry: values.DEFAULT_COUNTRY ?? DEFAULT_SETTINGS.defaultCountry,
    ghlApp: {
      apiBaseUrl: values.GHL_API_BASE_URL ?? DEFAULT_SETTINGS.ghlApiBaseUrl,
      clientId: values.GHL_CLIENT_ID ?? null,
      clientSecret: values.GHL_CLIENT_SECRET ?? null,
      installUrl: values.GHL_INSTALL_URL ?? 'https://marketplace.gohighlevel.com/v2/oauth/chooselocation',
      webhookPublicKey: values.GHL_WEBHOOK_PUBLIC_KEY ?? null,
      webhookRsaPublicKey: values.GHL_WEBHOOK_RSA_PUBLIC_KEY || null,
    },
    defaultConnection: described ? defaultConnection(values) : null,
  };
}

function readVariables(env: Record<string, string | undefined>): { values: Partial<Variables>; lines: string[] } {
  const result = environment.safeParse(env);
  if (result.success) return { values: result.data, lines: [] };
  const lines = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  // The rules look at what could be read, so that one start shows all mistakes.
  const values: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(variables)) {
    const one = schema.safeParse(env[name as VariableName]);
    if (one.success) values[name] = one.data;
  }
  return { values: values as Partial<Variables>, lines };
}

function secretsOf(values: Partial<Variables>, folder: string) {
  let { ENCRYPTION_KEY: keys, ADMIN_TOKEN: token, ADMIN_PASSWORD: password } = values;
  let madeUp: Config['madeUp'] = null;
  if (!keys || !token || !password) {
    const local = readLocalSecrets(folder);
    if (local.made) {
      const used = LOCAL_SECRET_NAMES.filter((name) => values[name] === undefined);
      madeUp = { file: local.file, secrets: used.map((name) => ({ name, value: local.secrets[name] })) };
    }
    keys ??= variables.ENCRYPTION_KEY.parse(local.secrets.ENCRYPTION_KEY) as EncryptionKey[];
    token ??= local.secrets.ADMIN_TOKEN;
    password ??= local.secrets.ADMIN_PASSWORD;
  }
  return { encryptionKeys: keys, adminToken: token, adminPassword: password, madeUp };
}

function readLocalSecrets(folder: string) {
  try {
    return localSecrets(folder);
  } catch (error) {
    throw new ConfigError([
      `ENCRYPTION_KEY: is not set and ${join(folder, 'secrets.json')} cannot be used (${messageOf(error).split('\n')[0]}): ` +
        'set ENCRYPTION_KEY, ADMIN_TOKEN and ADMIN_PASSWORD, or repair that file',
    ]);
  }
}

/** `file:` paths count from the project, so that the service and the command line open the same file from anywhere. */
const absolute = (url: string, root: string): string =>
  url.startsWith('file:') ? `file:${resolve(root, url.slice('file:'.length).replace(/^\/\/(?=\/)/, ''))}` : url;

function defaultConnection(v: Partial<Variables>): ConnectionPatch {
  const patch = {
    dialect: v.STICKY_CARDS_DIALECT,
    test: v.STICKY_CARDS_TEST,
    defaultCountry: v.DEFAULT_COUNTRY,
    ghlApiBaseUrl: v.GHL_API_BASE_URL,
    ghlLocationId: v.GHL_LOCATION_ID,
    ghlAccessToken: v.GHL_ACCESS_TOKEN,
    ghlWorkflowKey: v.GHL_WORKFLOW_KEY,
    pipelineId: v.GHL_PIPELINE_ID,
    stageId: v.GHL_PIPELINE_STAGE_ID,
    stickyCardsApiBaseUrl: v.STICKY_CARDS_API_BASE_URL,
    stickyCardsApiKey: v.STICKY_CARDS_API_KEY,
    stickyCardsWorkspace: v.STICKY_CARDS_WORKSPACE,
    stickyCardsWebhookSecrets: v.STICKY_CARDS_WEBHOOK_SECRET,
    stickyCardsWebhookMode: v.STICKY_CARDS_WEBHOOK_MODE,
    stickyCardsTemplateId: v.STICKY_CARDS_TEMPLATE_ID,
    balanceMode: v.STICKY_CARDS_BALANCE_MODE,
    stickerWebhookSecret: v.STICKER_WEBHOOK_SECRET,
    stickerPartnerOrgId: v.STICKER_PARTNER_ORG_ID,
  } satisfies Record<string, unknown> & { [K in keyof ConnectionPatch]: ConnectionPatch[K] | undefined };
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as ConnectionPatch;
}
