import type BetterSqlite3 from 'better-sqlite3';

/** More than a busy service asks with; texts that come once only must not fill the memory. */
const KEPT_MAX = 200;

/**
 * The connection, with compiled statements kept by their text, the longest unused let go first. drizzle compiles a query
 * each time that it runs one, which took as long as running it. Nothing here is handed out twice at a time: every use of
 * a statement ends before the call returns.
 */
export function keepStatements(raw: BetterSqlite3.Database): BetterSqlite3.Database {
  const kept = new Map<string, BetterSqlite3.Statement>();
  const prepare = (text: string): BetterSqlite3.Statement => {
    let statement = kept.get(text);
    if (statement) kept.delete(text);
    else statement = asOneUser(raw.prepare(text));
    kept.set(text, statement);
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value as string);
    return statement;
  };
  return Object.create(raw, { prepare: { value: prepare } }) as BetterSqlite3.Database;
}

/** `raw()` is a switch of the statement: what one user turned on is not to be on for the next. */
function asOneUser(statement: BetterSqlite3.Statement): BetterSqlite3.Statement {
  const inArrays = {
    all: (...values: unknown[]) => statement.raw(true).all(...values),
    get: (...values: unknown[]) => statement.raw(true).get(...values),
  };
  const asObjects = {
    run: (...values: unknown[]) => statement.run(...values),
    all: (...values: unknown[]) => statement.raw(false).all(...values),
    get: (...values: unknown[]) => statement.raw(false).get(...values),
    raw: () => inArrays,
  };
  return asObjects as unknown as BetterSqlite3.Statement;
}
