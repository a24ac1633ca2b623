// Usage: npm run faults [-- --row 5] [--node floor|newest|PATH] [--json] [--markdown]
// Brings what the fault matrix needs, then runs it: packages, Node releases, peers, the build.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../scripts/setup/command.mjs';
import { ensureNodes } from '../scripts/setup/nodes.mjs';
import { ensurePackages } from '../scripts/setup/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await ensurePackages(root, { scripts: true });
for (const peer of ['stock', 'dd']) await ensurePackages(join(root, 'bench/peers', peer));
const { node24 } = await ensureNodes();
if (node24 === undefined) throw new Error('the fault matrix runs on Linux x64 alone: it reads /proc and needs Node 24');
await runCommand(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root });
const child = spawn(node24, [join(root, 'bench/faults/run.ts'), ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code, signal) => (process.exitCode = code ?? (signal === null ? 1 : 130)));
