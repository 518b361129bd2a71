import { availableParallelism, totalmem } from 'node:os';

const GB = 2 ** 30;
const memoryGb = Math.min(totalmem(), process.constrainedMemory() || Infinity) / GB;
// Five for two cores: many tests wait, for a clock or another process. Each takes up to 1 GB.
const workers = Math.max(1, Math.min(Math.ceil(2.5 * availableParallelism()), Math.floor(memoryGb / 1.5)));

/** @type {import('jest').Config} */
export default {
  testEnvironment: '<rootDir>/test/helpers/environment.mjs',
  runtime: '<rootDir>/test/helpers/sharedRuntime.mjs',
  globalSetup: '<rootDir>/test/helpers/globalSetup.ts',
  globalTeardown: '<rootDir>/test/helpers/globalTeardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/helpers/setup.ts'],
  testEnvironmentOptions: { globalsCleanup: 'off' },
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testTimeout: 30_000,
  maxWorkers: workers,
  workerIdleMemoryLimit: '800MB',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
};
