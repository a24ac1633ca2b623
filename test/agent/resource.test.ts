import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fromCgroup, fromMounts } from '../../src/agent/resource/container.ts';
import { findService } from '../../src/agent/resource/service.ts';

const root = mkdtempSync(join(tmpdir(), 'service-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
for (const [dir, manifest] of Object.entries({
  mono: '{"name":"mono"}',
  'mono/services/orders': '{"name":"@acme/orders","version":"1.2.3"}',
  'mono/services/orders/dist': '{"type":"commonjs"}',
  'mono/node_modules/next': '{"name":"next","version":"16.0.0"}',
  broken: '{"name":',
})) {
  mkdirSync(join(root, dir), { recursive: true });
  writeFileSync(join(root, dir, 'package.json'), manifest);
}

test.each([
  ['its package', 'mono/services/orders/index.js', 'mono', '@acme/orders', '1.2.3'],
  ['its package, past one that only sets a module kind', 'mono/services/orders/dist/a.js', 'mono', '@acme/orders', '1.2.3'],
  ['the package of the working directory when a tool runs', 'mono/node_modules/next/bin.js', 'mono/services/orders', '@acme/orders', '1.2.3'],
  ['the script where no package can be read', 'broken/server.mjs', 'broken', 'server', null],
])('a service is named after %s', (_, script, cwd, name, version) => {
  expect(findService(join(root, script), join(root, cwd))).toEqual({ name, version });
});

test('a process without a script and a package has the name that the specification asks for', () => {
  expect(findService(undefined, join(root, 'broken')).name).toBe('unknown_service:node');
});

const id = 'a'.repeat(60) + '0123';
test.each([
  ['docker, cgroup v1', `12:pids:/docker/${id}\n11:cpu:/docker/${id}`, id],
  ['Kubernetes with containerd', `0::/kubepods.slice/kubepods-besteffort.slice/cri-containerd-${id}.scope\n`, id],
  ['cgroup v2 in its own namespace', '0::/\n', null],
])('container id: %s', (_, text, found) => expect(fromCgroup(text)).toBe(found));

test('container id from the mounts of cgroup v2', () => {
  expect(fromMounts(`560 540 254:1 /docker/containers/${id}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw\n`)).toBe(id);
});
