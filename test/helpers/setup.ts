import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

// A native addon is shared by every test file of a worker, but jest gives each file its own realm. better-sqlite3
// registers its error class once per addon, so in the second file its errors would not be `instanceof Error`.
const addon = new URL(
  `../../node_modules/better-sqlite3/prebuilds/${process.platform}-${process.arch}.node`,
  import.meta.url,
);
(createRequire(import.meta.url)(fileURLToPath(addon)) as { isInitialized?: boolean }).isInitialized = false;
