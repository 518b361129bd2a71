// The arrows of docs/architecture.md ("What may import what"), checked by `npm run layering`:
//
//   main → serve, cli → sandbox, app → http, dashboard, ops, sync → store, platforms → domain → drizzle → leaves
//
// Type-only imports count: an arrow that only the compiler sees still ties two files together.

const LEAVES = ['^src/(errors|clock|log|maskPersonal|ids|paths)\\.ts$'];
const DRIZZLE = ['^drizzle/'];
const DOMAIN = ['^src/domain/'];
const STORE = ['^src/store/'];
const PLATFORMS = ['^src/platforms/'];
const SYNC = ['^src/sync/'];
const OURS = '^(src|drizzle|test|bench|scripts)/';

/** Files of `from` import, of ours, themselves and `may`; nothing else. */
const only = (name, comment, from, may) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: OURS, pathNot: [...from, ...may] },
});

const never = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    never('no-circles', 'Two files that need each other are one file, or hide a third one.', {}, { circular: true }),
    never('resolvable', 'The import leads nowhere.', {}, { couldNotResolve: true, dependencyTypesNot: ['core'] }),
    never(
      'installed-in-production',
      'The image is installed without devDependencies: what the program imports belongs into dependencies.',
      { path: '^(src|drizzle)/', pathNot: '^drizzle/(sqlite|postgres)\\.config\\.ts$' },
      {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'type-only'],
        pathNot: '@types/',
      },
    ),

    only('leaves-stand-alone', 'errors, clock, log, maskPersonal, ids and paths import nothing of ours.', LEAVES, []),
    only('tables-stand-alone', 'The tables know nothing of the program.', DRIZZLE, []),
    only('domain-is-pure', 'Decisions see values only: no database, no remote side.', DOMAIN, [...DRIZZLE, ...LEAVES]),
    never(
      'domain-touches-nothing',
      'Decisions do not touch the world: no files, no network, no processes.',
      { path: DOMAIN },
      { dependencyTypes: ['core'], path: '^(node:)?(fs|http|https|net|tls|dns|child_process|worker_threads|os)(/|$)' },
    ),
    only('store-is-sql', 'The store knows the database, not the remote sides.', STORE, [
      ...DOMAIN,
      ...DRIZZLE,
      ...LEAVES,
    ]),
    only('platforms-are-remote', 'The clients know the remote sides, not the database.', PLATFORMS, [
      ...DOMAIN,
      ...LEAVES,
    ]),
    only('sync-tells-stories', 'The sync uses domain, store and platforms; it knows no doors.', SYNC, [
      ...DOMAIN,
      ...STORE,
      ...PLATFORMS,
      ...DRIZZLE,
      ...LEAVES,
    ]),
    only(
      'ops-beside-sync',
      'Operations may use the stories of the sync; never the doors.',
      ['^src/ops/'],
      [...DOMAIN, ...STORE, ...PLATFORMS, ...SYNC, ...DRIZZLE, ...LEAVES],
    ),
    only(
      'http-is-a-door',
      'The doors get what they need handed in: no sync, no ops, no configuration.',
      ['^src/http/'],
      [...DOMAIN, ...STORE, ...PLATFORMS, ...DRIZZLE, ...LEAVES],
    ),
    never(
      'http-calls-nobody',
      'A request never waits for a remote side: the doors read envelopes and signatures, they use no client.',
      { path: '^src/http/' },
      {
        path: '^src/platforms/(callApi|transport|pace|rateWindow)\\.ts$|^src/platforms/.*(/client|/call|Calls|/sides)\\.ts$',
      },
    ),
    only(
      'dashboard-is-a-door',
      'Pages are shown over the same read queries as the API.',
      ['^src/dashboard/'],
      ['^src/http/', ...DOMAIN, ...STORE, ...DRIZZLE, ...LEAVES],
    ),

    only(
      'config-is-an-edge',
      'The environment is read without help of the program.',
      ['^src/config(\\.ts|/)'],
      ['^src/sandboxConnection\\.ts$', ...DOMAIN, ...LEAVES],
    ),
    never(
      'configured-from-above',
      'Only the composition and the edges see the configuration; everything else is handed what it needs.',
      { pathNot: ['^src/(app|core|serviceFacts|serve|config)\\.ts$', '^src/(config|cli)/', '^test/', '^bench/'] },
      { path: '^src/config(\\.ts|/)' },
    ),
    never(
      'composed-from-above',
      'Nothing below knows how the whole is put together.',
      { path: '^src/', pathNot: ['^src/(app|serve|sandbox|main)\\.ts$', '^src/cli/'] },
      { path: '^src/(app|core|serve|sandbox|main)\\.ts$|^src/cli/' },
    ),
    only(
      'main-only-starts',
      'Before the version of Node is checked nothing native may be loaded: what comes before the service loads Node alone.',
      ['^src/main\\.ts$'],
      ['^src/(serve|quickImports)\\.ts$'],
    ),

    only(
      'simulators-are-strangers',
      'The simulated remote sides share nothing with the program but the descriptions of the wire.',
      ['^src/simulators/'],
      ['^src/platforms/.*(schemas|fieldTable)\\.ts$'],
    ),
    never(
      'simulators-only-in-the-sandbox',
      'Nothing in production depends on a simulator.',
      { path: '^src/', pathNot: ['^src/sandbox\\.ts$', '^src/simulators/'] },
      { path: '^src/simulators/' },
    ),
  ],
  options: {
    // dependency-cruiser reads no TypeScript 7; swc reads the same sources.
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
