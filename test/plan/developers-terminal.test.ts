import { describe, expect, it } from 'vitest';
import { isDevelopersTerminal } from '../../src/plan/developers-terminal.ts';

describe('isDevelopersTerminal', () => {
  it.each<[is: boolean, onTerminal: boolean, env: Record<string, string>]>([
    [true, true, {}],
    [true, true, { CI: '', NODE_ENV: 'development' }],
    [true, true, { CI: 'false' }],
    [true, true, { container: 'podman', KUBERNETES_SERVICE_HOST: '' }],
    [false, false, {}],
    [false, true, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    [false, true, { ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4' }],
    [false, true, { CI: 'true' }],
    [false, true, { CI: '1' }],
    [false, true, { JENKINS_URL: 'http://jenkins' }],
    [false, true, { NODE_ENV: 'production' }],
  ])('%s: terminal %s, %j', (is, onTerminal, env) => {
    expect(isDevelopersTerminal({ onTerminal }, env)).toBe(is);
  });
});
