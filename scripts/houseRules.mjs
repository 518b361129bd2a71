// Rules of this project that the linter has no word for, as an oxlint plugin (.oxlintrc.json).

/** `new Date()` reads the clock of the machine: tests that step the clock would not reach it. */
const noCurrentDate = {
  create: (context) => ({
    NewExpression(node) {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date' || node.arguments.length > 0) return;
      context.report({ node, message: 'Take the time from the Clock that is handed in (src/clock.ts).' });
    },
    CallExpression(node) {
      if (node.callee.type !== 'Identifier' || node.callee.name !== 'Date') return;
      context.report({ node, message: 'Take the time from the Clock that is handed in (src/clock.ts).' });
    },
  }),
};

export default { meta: { name: 'house' }, rules: { 'no-current-date': noCurrentDate } };
