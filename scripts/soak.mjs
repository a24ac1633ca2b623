// Usage: npm run soak -- [--minutes 60] [--seed 7]
// Brings what the soak needs, then runs it: packages, Node releases, Express, the build.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureApps } from './setup/apps.mjs';
import { runCommand } from './setup/command.mjs';
import { ensureNodes } from './setup/nodes.mjs';
import { ensurePackages } from './setup/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await ensurePackages(root, { scripts: true });
await ensureApps(['express5']);
const { node24 } = await ensureNodes();
if (node24 === undefined) throw new Error('the soak runs on Linux x64 alone: it reads /proc and needs Node 24');
await runCommand(process.execPath, [path.join(root, 'scripts/build.mjs')], { cwd: root });
const words = process.argv.slice(2);
const minutes = words.some((word) => word.startsWith('--minutes')) ? [] : ['--minutes', '60'];
const child = spawn(node24, [path.join(root, 'test/soak/run.ts'), ...minutes, ...words], { cwd: root, stdio: 'inherit' });
process.on('SIGINT', () => {});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('exit', (code, signal) => (process.exitCode = code ?? (signal === null ? 1 : 130)));
