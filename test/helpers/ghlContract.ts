import type { GhlContract } from './openapi.ts';

/** GHL's published contract, the one object that all test files of a worker share (environment.mjs). */
export const ghlContract = (): GhlContract => (globalThis as unknown as { ghlContract(): GhlContract }).ghlContract();
