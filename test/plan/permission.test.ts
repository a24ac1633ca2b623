import { expect, test } from 'vitest';
import { isHiddenByPermission } from '../../src/plan/permission.ts';

test.each([
  ['', ['app.js'], false],
  ['', ['app.js', '--permission'], false],
  ['', ['--permission', 'app.js'], true],
  ['', ['--experimental-permission', 'app.js'], true],
  ['--permission', ['app.js'], true],
  ['', ['--permission', '--allow-fs-read=*', 'app.js'], false],
  ['--allow-fs-read=*', ['--permission', 'app.js'], false],
  ['', ['--permission', '--allow-fs-read', '*', 'app.js'], false],
  ['', ['--permission', '--allow-fs-read=/app/*', 'app.js'], true],
  ['', ['--permission', '--allow-fs-read=/app/*', '--allow-fs-read=/opt/*', 'app.js'], false],
  ['', ['--permission', '--allow-fs-read=/app,/opt/otel-run', 'app.js'], false],
  ['', ['--permission', '--allow-fs-read=/opt/otel', 'app.js'], true],
])('NODE_OPTIONS=%j node %j hides the agent: %j', (nodeOptions, args, hidden) => {
  expect(isHiddenByPermission(nodeOptions, args, '/opt/otel-run/dist/agent')).toBe(hidden);
});
