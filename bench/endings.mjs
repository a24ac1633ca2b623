// Usage: node bench/endings.mjs [--repeats 30] [--node node24]   (with a Node that runs TypeScript: 22.18 or later)
// Each ending so many times in each topology: how many of its 100 spans arrived, fewest and in how many runs all of them,
// each once.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureNodes } from '../scripts/setup/nodes.mjs';
import { startReceiver } from '../test/harness/receiver.ts';
import { startOtelRun } from '../test/harness/run.ts';

const { values } = parseArgs({ options: { repeats: { type: 'string', default: '30' }, node: { type: 'string', default: 'node24' } } });
const node = (await ensureNodes())[values.node];
const home = mkdtempSync(join(tmpdir(), 'bench-endings-'));
const fixture = fileURLToPath(new URL('../test/fixtures/endings/endings.cjs', import.meta.url));
const endings = [
  ...['natural', 'exit-now', 'exit-later', 'throw', 'rejection', 'last-moments', 'in-exit-listener', 'before-exit', 'listeners-removed'].map((name) => ({ name })),
  ...['SIGTERM', 'SIGINT', 'SIGHUP'].flatMap((signal) => ['signal', 'signal-exits', 'signal-closes'].map((name) => ({ name, signal }))),
  { name: 'signal', signal: 'SIGKILL' },
  ...['abort', 'worker-terminated', 'worker-busy'].map((name) => ({ name })),
  { name: 'out-of-memory', options: ['--max-old-space-size=60'] },
];

let isWhole = true;
for (const ending of endings) {
  for (const topology of ['replace', 'parent']) {
    const counts = [];
    const turn = async () => {
      while (counts.length + running < Number(values.repeats)) {
        running++;
        const count = await play(ending, topology);
        running--;
        counts.push(count);
      }
    };
    let running = 0;
    await Promise.all([turn(), turn(), turn()]);
    const whole = counts.filter(({ missing, extra }) => missing === 0 && extra === 0).length;
    isWhole &&= whole === counts.length;
    console.log(`${[ending.name, ending.signal].filter(Boolean).join(' ').padEnd(24)} ${topology.padEnd(8)} 100 of 100 in ${whole} of ${counts.length} runs${whole === counts.length ? '' : `; fewest ${100 - Math.max(...counts.map(({ missing }) => missing))}`}`);
  }
}
rmSync(home, { recursive: true, force: true, maxRetries: 3 });
process.exitCode = isWhole ? 0 : 1;

async function play({ name, signal, options = [] }, topology) {
  const receiver = await startReceiver();
  const env = { HOME: home, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl };
  const program = startOtelRun({ node, topology, args: [node, ...options, fixture, name], env, ownSession: true });
  if (signal !== undefined) {
    await program.said('ready');
    process.kill(signal === 'SIGKILL' && topology === 'parent' ? firstChildOf(program.pid) : program.pid, signal);
  }
  await program.ended;
  const missing = () => {
    const names = new Set(receiver.spans.map((span) => span.name));
    return Array.from({ length: 100 }, (_, index) => `span ${index + 1}`).filter((span) => !names.has(span)).length;
  };
  await receiver.waitForSpans(() => missing() === 0, 10_000).catch(() => {});
  const count = { missing: missing(), extra: receiver.spans.length - (100 - missing()) };
  await receiver.close();
  return count;
}

function firstChildOf(pid) {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')[0]);
}
