import { GhlContract } from './openapi.ts';

const shared = globalThis as { ghlContract?: () => GhlContract };

/** GHL's published contract: one object for all test files of a worker (environment.mjs), or one of a check's own. */
export const ghlContract = (): GhlContract => shared.ghlContract?.() ?? new GhlContract();
