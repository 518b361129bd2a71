import type { Config } from './config.ts';
import { isOfTheSandbox, isStrongEnough } from './config/strength.ts';
import type { ServiceFacts } from './ops/doctor.ts';

/** What the doctor may know of the environment: names, never values. */
export function serviceFacts(config: Config): ServiceFacts {
  const weak = {
    ENCRYPTION_KEY: config.encryptionKeys.some(({ key }) => new Set(key).size < 8),
    ADMIN_TOKEN: !isStrongEnough(config.adminToken, 16),
    ADMIN_PASSWORD: !isStrongEnough(config.adminPassword, 8),
  };
  return {
    production: config.production,
    syncPaused: config.syncPaused,
    weakSecrets: Object.entries(weak).flatMap(([name, isWeak]) => (isWeak ? [name] : [])),
    // The sandbox has its own for a purpose, and never starts in production.
    isStrong: (secret) => isStrongEnough(secret, 8) || (config.sandbox && isOfTheSandbox(secret)),
  };
}
