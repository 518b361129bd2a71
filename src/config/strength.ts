import { SANDBOX_GHL_TOKEN, SANDBOX_STICKY_KEY, SANDBOX_WEBHOOK_SECRET } from '../sandboxConnection.ts';

const OF_THE_SANDBOX: readonly string[] = [SANDBOX_WEBHOOK_SECRET, SANDBOX_GHL_TOKEN, SANDBOX_STICKY_KEY];

const TRIED_BY_EVERYBODY =
  /change[-_ ]?(me|it|this)|default|secret|passw[o0]rd|administrator|admin|example|sample|demo|sandbox|webhook|development|token|letmein|qwerty(uiop)?|welcome|super|replace|insert|please|your|here|key|(0?123(4(5(6(7(89?)?)?)?)?)?0?)+/g;

/** The sandbox's secrets stand in the README: everybody can sign with them. */
export const isOfTheSandbox = (secret: string): boolean => OF_THE_SANDBOX.includes(secret.trim().toLowerCase());

/**
 * False for a secret that is short, one character over and over, put together from words that everybody tries, or the
 * sandbox's.
 */
export function isStrongEnough(secret: string, lengthMin: number): boolean {
  if (secret.length < lengthMin || isOfTheSandbox(secret) || new Set(secret).size < 5) return false;
  return new Set(secret.toLowerCase().replace(TRIED_BY_EVERYBODY, '')).size >= 3;
}
