import { AsyncLocalStorage } from 'node:async_hooks';
import winston from 'winston';
import { messageOf } from './errors.ts';

export type Logger = Pick<winston.Logger, 'error' | 'warn' | 'info' | 'debug'>;

const secretKey = /(secret|token|password|authorization|api[-_]?key|signature|cookie)/i;
const personalKey = /(e-?mail|phone|mobile|first_?name|last_?name|full_?name)/i;
const emailInText = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+\.\p{L}{2,}/gu;
const phoneInText = /(?<![\w-])\+?\d[\d ().-]{7,}\d(?![\w-])/g;
const bearerInText = /(bearer\s+|pit-|sk_(?:live|test)_)[\w.-]+/gi;

/** `a***@example.com`, `+49***12`: enough to recognise, not enough to use. */
export function maskPersonal(text: string): string {
  return text
    .replace(bearerInText, '$1***')
    .replace(emailInText, (m) => `${m[0]}***@${m.slice(m.indexOf('@') + 1)}`)
    .replace(phoneInText, (m) =>
      /^\d{4}-\d{2}-\d{2}/.test(m) || m.replace(/\D/g, '').length < 9 ? m : `${m.slice(0, 3)}***${m.slice(-2)}`,
    );
}

/** Where it was thrown, without the message that a stack begins with. */
const framesOf = (error: Error): string =>
  (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n');

function mask(key: string, value: unknown, depth: number): unknown {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') return value;
  if (secretKey.test(key)) return '***';
  if (typeof value === 'string') return personalKey.test(key) && value !== '' ? `${value[0]}***` : maskPersonal(value);
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
