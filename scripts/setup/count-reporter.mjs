import { writeFileSync } from 'node:fs';

/**
 * Counts what vitest's exit code lumps together, for the last line of `npm test`,
 * and names what was skipped. A file, suite or set-up that failed counts as one
 * failure: the tests in it never ran, and "0 failed" would be a lie.
 */
export default class CountReporter {
  onInit(vitest) {
    this.vitest = vitest;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    const skipped = new Set();
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state, note } = test.result();
        const neverRan = state === 'pending' || (state === 'skipped' && !note && !isSkippedByWord(test));
        counts[neverRan ? 'failed' : state] += 1;
        if (state === 'skipped' && !neverRan) skipped.add(note ? `${test.fullName}: ${note}` : skippedPart(test).fullName);
      }
    }
    if (!this.vitest.config.testNamePattern) for (const title of skipped) console.log(`skipped: ${title}`);
    writeFileSync(process.env.TEST_COUNTS_FILE, JSON.stringify(counts));
  }
}

// As opposed to one whose suite failed before it.
function isSkippedByWord(test) {
  return ['skip', 'todo'].includes(test.options.mode);
}

// The outermost suite that is skipped as a whole says why, or else the test itself.
function skippedPart(test) {
  let part = test;
  for (let suite = test.parent; suite.type === 'suite'; suite = suite.parent) {
    if (suite.options.mode === 'skip') part = suite;
  }
  return part;
}
