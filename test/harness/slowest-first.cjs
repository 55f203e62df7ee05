/**
 * In which order jest starts the suites where it has no times yet, as in a fresh clone: it takes large files for slow
 * ones, and left a small one that takes a minute to the end, when three of four workers had nothing to do any more.
 */

const { default: Sequencer } = require("@jest/test-sequencer");

/** What takes more than forty seconds, whatever its size. */
const slow = [
  "page/switching",
  "page/screens",
  "webhook-deliveries",
  "page/sign-in",
  "page/lists",
  "many-rows",
  "package",
];

module.exports = class SlowestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = slow.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? slow.length : at;
    };
    return super.sort(tests).sort((one, other) => rank(one) - rank(other));
  }
};
