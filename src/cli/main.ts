#!/usr/bin/env node
// The operator's edge. Nothing but Node itself is imported before its version is known to do.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 20)) {
  // On an older Node the database driver ends the process without a word.
  process.stderr.write(
    `Node ${process.versions.node} is too old, 22.20 or newer is needed: use "npm run sticky-ghl --", which brings its own.\n`,
  );
  process.exit(1);
}
// `sticky-ghl runs | head` closes our output early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
await import('../quickImports.ts');
const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));

export {};
