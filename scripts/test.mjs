// `npm test`: from a fresh clone to the tests' result, with Node 20.19 and npm.
// The words after `npm test --` are vitest's: files, `-t name`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureApps } from './setup/apps.mjs';
import { runCommand } from './setup/command.mjs';
import { ensureLibraries } from './setup/libraries.mjs';
import { cacheDir, ensureNodes } from './setup/nodes.mjs';
import { ensurePackages } from './setup/packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const scratch = mkdtempSync(path.join(os.tmpdir(), 'otel-run-test-'));
let counts = { passed: 0, failed: 0, skipped: 0 };
try {
  console.log('npm test: packages, Node releases, build');
  await ensurePackages(root, { scripts: true });
  const node = chooseNode(await ensureNodes());
  await ensureApps();
  // Before the tests: two of their files would install at once.
  await ensureLibraries();
  await build();
  const code = await runVitest(node, process.argv.slice(2));
  counts = readCounts(code);
} catch (error) {
  counts.failed += 1;
  console.error(error.message);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (counts.failed > 0) process.exitCode = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);

// vitest needs a newer Node than the product does.
function chooseNode(nodes) {
  if (nodes.node24) return nodes.node24;
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12)) return process.execPath;
  throw new Error(`the tests need Node 22.12 or later to run on this platform; this is ${process.version}`);
}

async function build() {
  const script = path.join(root, 'scripts/build.mjs');
  if (!existsSync(script)) return;
  await runCommand(process.execPath, [script], { cwd: root });
}

function runVitest(node, words) {
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', `--reporter=${path.join(root, 'scripts/setup/count-reporter.mjs')}`];
  const child = spawn(node, [vitest, 'run', ...reporters, ...words], {
    cwd: root,
    env: testEnvironment(node),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  // Ctrl-C reaches the whole group by itself; what is sent to us alone must be passed on.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
}

// Tests see the same environment whether npm started us or not, whatever
// telemetry this machine is set up for, and whatever `node` it has.
function testEnvironment(node) {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(OTEL_|npm_(?!config_)|npm_config_(user_agent|local_prefix)$|INIT_CWD$)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    PATH: [path.dirname(node), process.env.PATH].join(path.delimiter),
    // Not OTEL_RUN_…: the program under test says of such names that it does not know them.
    TEST_CACHE_DIR: cacheDir(),
    TEST_COUNTS_FILE: path.join(scratch, 'counts.json'),
  };
}

// A run that failed without a failed test (no test found, a set-up or a
// tear-down that threw, a killed vitest) is one failure.
function readCounts(code) {
  const file = path.join(scratch, 'counts.json');
  const counted = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
  if (code !== 0 && counted.failed === 0) {
    console.error(`vitest ended with ${code} though no test failed`);
    counted.failed = 1;
  }
  return counted;
}
