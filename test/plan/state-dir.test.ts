import { expect, it } from 'vitest';
import { findStateDir } from '../../src/plan/state-dir.ts';

it.each<[env: Record<string, string>, dir: string | null]>([
  [{ HOME: '/home/a' }, '/home/a/.local/state/otel-run'],
  [{ HOME: '/home/a', XDG_STATE_HOME: '/s' }, '/s/otel-run'],
  [{ HOME: '/home/a', XDG_STATE_HOME: '' }, '/home/a/.local/state/otel-run'],
  [{ HOME: '/home/a', XDG_STATE_HOME: 'relative' }, '/home/a/.local/state/otel-run'],
  [{}, null],
  [{ HOME: '' }, null],
])('%j: %s', (env, dir) => {
  expect(findStateDir(env)).toBe(dir);
});
