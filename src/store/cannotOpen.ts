import { AppError, messageOf } from '../errors.ts';

// A database that cannot be opened, as the one line of SPEC §9: the variable, what is wrong, the remedy; never the password.

const line = (wrong: string, remedy: string, cause: unknown): AppError =>
  new AppError('config', `DATABASE_URL: ${wrong}: ${remedy}`, { cause });

const codeOf = (error: unknown): string => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
};

/** Of the file itself; what is wrong with its tables is another matter and stays as it was thrown. */
const OF_THE_FILE = /^SQLITE_(CANTOPEN|READONLY|PERM|AUTH|IOERR|FULL|BUSY|LOCKED)|^E[A-Z]+$/;

/** Why an embedded database did not open. */
export function cannotOpenFile(file: string, error: unknown): unknown {
  const code = codeOf(error);
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return line(
      `${file} is no database that can be read (${messageOf(error)})`,
      'name another file, or put a backup in its place',
      error,
    );
  if (!OF_THE_FILE.test(code)) return error;
  return line(
    `${file} cannot be opened (${messageOf(error)})`,
    'name a file that this user may write, as in file:./data/sync.db',
    error,
  );
}

/** Refusals of the server that have a remedy of their own (PostgreSQL error codes). */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'correct the user and the password in it',
  '28000': 'correct the user in it, or let the server accept that user from here (pg_hba.conf)',
  '3D000': 'create that database on the server, or correct its name',
  '42501': 'let that user create schemas and tables in the database',
};

/** Why a server could not be reached or did not let us in. */
export function cannotReachServer(url: string, error: unknown): AppError {
  const code = codeOf(error);
  if (code === 'ERR_INVALID_URL' || (error as Error | null)?.name === 'URIError')
    return line(
      'is no address of a database',
      'write it like postgres://user:password@host:5432/database, special characters in the password as in %40 for @',
      error,
    );
  // The reason of an attempt at several addresses stands in its code alone.
  const reason = messageOf(error) || code;
  const remedy = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  return line(
    `the server${hostOf(url)} cannot be used (${reason})`,
    remedy ?? 'start it, or correct host and port',
    error,
  );
}

function hostOf(url: string): string {
  const host = URL.canParse(url) ? new URL(url).host : '';
  return host === '' ? '' : ` ${host}`;
}
