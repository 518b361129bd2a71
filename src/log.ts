import { AsyncLocalStorage } from 'node:async_hooks';
import winston from 'winston';
import { messageOf } from './errors.ts';
import { maskInId, maskPersonal } from './maskPersonal.ts';

export type Logger = Pick<winston.Logger, 'error' | 'warn' | 'info' | 'debug'>;

const secretKey = /(secret|token|password|authorization|api[-_]?key|signature|cookie)/i;
const personalKey = /(e-?mail|phone|mobile|first_?name|last_?name|full_?name)/i;
/** Ids are searched for: a long row of digits in one is no phone number. */
const idKey = /(?:^id|Id|_id)s?$/;
/** A phone number that came as a number; below it a count of phones. */
const LONG_NUMBER = 1_000_000;

/** Where it was thrown, without the message that a stack begins with. */
const framesOf = (error: Error): string =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

function maskText(key: string, text: string): string {
  if (personalKey.test(key) && text !== '') return `${text[0]}***`;
  return idKey.test(key) ? maskInId(text) : maskPersonal(text);
}

function mask(key: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value;
  if (typeof value === 'number') return personalKey.test(key) && value >= LONG_NUMBER ? '***' : value;
  if (secretKey.test(key)) return '***';
  if (typeof value === 'string') return maskText(key, value);
  if (value instanceof Error) return maskPersonal(`${messageOf(value)}\n${framesOf(value)}`);
  if (value instanceof Date) return value.toISOString();
  if (depth > 4) return '…';
  if (Array.isArray(value)) return value.map((v) => mask(key, v, depth + 1));
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, mask(k, v, depth + 1)]));
  }
  return '…';
}

export const logContext = new AsyncLocalStorage<Record<string, unknown>>();

/** JSON lines on standard output; personal data and secrets masked before anything is written. */
export function createLogger(level: string): winston.Logger {
  const masked = winston.format((info) => {
    const context = logContext.getStore();
    for (const [key, value] of Object.entries({ ...context, ...info })) {
      if (key === 'level' || key === 'timestamp') continue;
      info[key] = key === 'message' ? maskPersonal(String(value)) : mask(key, value, 0);
    }
    return info;
  });
  return winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), masked(), winston.format.json()),
    transports: [new winston.transports.Console({ stderrLevels: [] })],
  });
}

export const silentLogger: Logger = winston.createLogger({ silent: true });
