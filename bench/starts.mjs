// Usage: node bench/starts.mjs [--rounds 9] [--spans 100000]
// What recording the starts of spans costs: CPU of the application's process per span, by setting and by how long the
// spans are open. Medians; the settings take turns in each round.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureNodes } from '../scripts/setup/nodes.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' }, spans: { type: 'string', default: '100000' } } });
const node = (await ensureNodes()).node24 ?? process.execPath;
const root = fileURLToPath(new URL('..', import.meta.url));
const settings = ['none', 'long', 'all'];
const lives = { 'ends in its turn': 'turn', 'open over one turn': 'next', 'open for 5 ms': '5', 'open for 300 ms': '300' };

console.log(`microseconds of CPU per span, ${values.spans} spans, ${values.rounds} rounds\n`);
for (const [words, life] of Object.entries(lives)) {
  const found = new Map(settings.map((setting) => [setting, []]));
  for (let round = 0; round < Number(values.rounds); round++) for (const setting of settings) found.get(setting).push(measure(setting, life));
  const [none, ...rest] = settings.map((setting) => median(found.get(setting)));
  console.log(`${words.padEnd(20)} none ${none.toFixed(2)}   ${settings.slice(1).map((setting, at) => `${setting} ${rest[at].toFixed(2)} (${(rest[at] - none).toFixed(2).replace(/^(?!-)/, '+')})`).join('   ')}`);
}

function measure(recordStarts, life) {
  const dir = mkdtempSync('/dev/shm/bench-starts-');
  const limits = { attributeCount: 128, eventCount: 128, linkCount: 128, attributePerEventCount: 128, attributePerLinkCount: 128 };
  const plan = {
    version: 1, run: '0123456789abcdef', preload: join(root, 'dist/agent/register.js'),
    handOff: { kind: 'spool', dir, capBytes: 1024 ** 3, noticeFile: null },
    serviceName: 'bench', serviceVersion: null, resource: {}, detectors: [],
    traces: { sampler: { kind: 'always_on' }, limits, recordStarts },
    propagators: [], instrumentations: { only: [], disabled: [], options: {}, expressLayers: 'none' }, redact: { names: [], attributes: [], patterns: [], keep: [] }, verbosity: 'quiet',
  };
  try {
    return Number(execFileSync(node, ['--require', plan.preload, fileURLToPath(new URL('apps/spans.cjs', import.meta.url)), life, values.spans], { env: { OTEL_RUN_PLAN: JSON.stringify(plan) }, encoding: 'utf8' }));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}
