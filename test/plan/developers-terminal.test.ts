import { describe, expect, it } from 'vitest';
import { isDevelopersTerminal } from '../../src/plan/developers-terminal.ts';

describe('isDevelopersTerminal', () => {
  it.each<[is: boolean, onTerminal: boolean, container: string | null, env: Record<string, string>]>([
    [true, true, null, {}],
    [true, true, null, { CI: '', NODE_ENV: 'development' }],
    [true, true, null, { CI: 'false' }],
    [false, false, null, {}],
    [false, true, '/.dockerenv', {}],
    [false, true, null, { CI: 'true' }],
    [false, true, null, { CI: '1' }],
    [false, true, null, { NODE_ENV: 'production' }],
  ])('%s: terminal %s, container %s, %j', (is, onTerminal, container, env) => {
    expect(isDevelopersTerminal({ onTerminal, container }, env)).toBe(is);
  });
});
