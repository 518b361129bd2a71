// The process edge: environment → createApp → listen → signals.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 20)) {
  // Before anything native is loaded: on an older Node the database driver ends the process without a word.
  process.stderr.write(
    `Node ${process.versions.node} is too old, 22.20 or newer is needed: start with "npm start", which brings its own.\n`,
  );
  process.exit(1);
}
// What is written (database, made-up secrets) is for this user alone.
process.umask(0o077);
await import('./quickImports.ts');
const { serve } = await import('./serve.ts');
await serve();

export {};
