/** How many: `npm test` shows a rule with some, `npm run check:mass` the same with as many as were promised. */
export const mass = (some: number, many: number): number => (process.env.CHECK_MASS === 'full' ? many : some);
