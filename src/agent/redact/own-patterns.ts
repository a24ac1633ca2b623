import { REDACTED } from './redacted.ts';

/** Longer than a rule may take with one value: the application waits for it. */
const SLOW_MS = 20;
const LONGEST = 16 * 1024;

/**
 * The user's own regular expressions. Those whose time can grow faster than with the square of the length are refused at
 * launch; a value that is very long, or as long as one that took long, is hidden whole.
 */
export function createOwnPatterns(sources: readonly string[]): (value: string) => string {
  if (sources.length === 0) return (value) => value;
  const rules = sources.map((source) => ({ pattern: new RegExp(source, 'g'), longest: LONGEST }));
  return (value) => {
    let result = value;
    for (const rule of rules) {
      if (result.length > rule.longest) return REDACTED;
      const start = performance.now();
      result = result.replace(rule.pattern, (found) => (found === '' ? '' : REDACTED));
      if (value.length > 1024 && performance.now() - start > SLOW_MS) rule.longest = Math.min(rule.longest, Math.floor(value.length / 2));
    }
    return result;
  };
}
