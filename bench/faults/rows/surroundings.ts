/** Rows 22 to 34 and 37 to 40: the machine, the settings, other programs, the application itself. */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from '../../contenders.mjs';
import type { Command, CommandFacts, Row, Running } from '../types.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const isPreload = ({ preload }: Contender): boolean => preload !== null;
const isRoot = process.getuid?.() === 0;
const speaksNoOtlp = ({ protocol }: Contender): boolean => protocol !== 'otlp';

/** The contender's `node play.cjs …` behind these words. */
const behind = (words: readonly string[], program: readonly string[]) => ({ contender, node, play }: CommandFacts): Command => ({ words: [...words, ...contender.command(node, [play, ...program])] });

/** Another command than Node: a launcher stands in front of it, a preload goes through NODE_OPTIONS. */
const around = ({ contender, node }: CommandFacts, words: readonly string[]): Command => ({
  words: [...contender.launcher(node), ...words],
  ...(contender.preload === null ? {} : { env: { NODE_OPTIONS: `--require ${contender.preload}` } }),
});

const said = ({ contender, output }: Running): string | null => (!contender.traced || output.stderr !== '' ? null : '✗ not a word');

export const surroundings: readonly Row[] = [
  { number: '22a', fault: 'no place for a spool', program: ['natural'], env: { OTEL_RUN_SPOOL_DIR: '/proc/nowhere' }, spansAreExtra: true, finding: said, not: isPreload, lines: 1 },
  {
    number: '22b',
    fault: 'a memory file system of 256 KiB',
    spans: 20_000,
    command: (facts) => ({ words: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=256k none "$TMPDIR/spool" && exec "$@"', 'sh', ...facts.contender.command(facts.node, [facts.play, 'burst'])] }),
    not: (contender) => isPreload(contender) || !isRoot,
    lines: 1,
    delayMs: 2000,
  },
  { number: '22c', fault: 'files of 20 kB at most (EFBIG)', command: behind(['prlimit', '--fsize=20000'], ['natural', '1000']), spans: 1000, lines: 1 },
  { number: '22d', fault: 'no descriptor left (EMFILE)', command: behind(['prlimit', '--nofile=300'], ['opensAll']), lines: 1 },
  {
    number: '23a',
    fault: 'an endpoint that is no URL',
    spansAreExtra: true,
    command: ({ contender, node, play }) => ({ words: contender.command(node, [play, 'natural']), env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'ht!tp:/x', DD_TRACE_AGENT_URL: 'ht!tp:/x' } }),
    lines: 1,
    finding: said,
  },
  { number: '23b', fault: 'an unknown protocol', program: ['natural'], env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'pigeon' }, spansAreExtra: true, not: speaksNoOtlp, lines: 1, finding: said },
  { number: '23c', fault: 'headers that are none', program: ['natural'], env: { OTEL_EXPORTER_OTLP_HEADERS: '=,=x' }, spansAreExtra: true, not: speaksNoOtlp, lines: 2, finding: said },
  {
    number: '24',
    fault: 'a config file with a syntax error',
    command({ contender, node, play, dir }) {
      writeFileSync(join(dir, 'package.json'), '{}');
      writeFileSync(join(dir, 'otel-run.config.yaml'), 'service: {name: [\n');
      return { words: contender.command(node, [play, 'natural']) };
    },
    not: isPreload,
    lines: 3,
    finding: said,
  },
  {
    number: '25',
    fault: 'the preload is not there',
    spansAreExtra: true,
    command({ contender, node, play, dir }) {
      if (contender.preload !== null) return { words: [node, '--require', `${contender.preload}.gone`, play, 'natural'] };
      if (!contender.traced) return { words: [node, play, 'natural'] };
      const copy = join(dir, 'otel-run');
      for (const name of ['bin', 'dist', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true });
      rmSync(join(copy, 'dist', 'agent'), { recursive: true });
      return { words: contender.command(node, [play, 'natural']).map((word) => word.replace(join(root, 'bin'), join(copy, 'bin'))) };
    },
    lines: 1,
  },
  { number: '26', fault: 'Node with `--permission` (reading allowed)', program: ['natural'], nodeOptions: ['--permission', '--allow-fs-read=*'], env: { FAULTS_NOTES: '' }, lines: 1 },
  { number: '27', fault: 'the application has an OpenTelemetry SDK of its own', program: ['ownSdk'], not: speaksNoOtlp, lines: 1 },
  {
    number: '28',
    fault: 'a library out of range (a `pg` 99 that is none)',
    command({ contender, node, play, dir }) {
      const pg = join(dir, 'node_modules', 'pg');
      mkdirSync(pg, { recursive: true });
      writeFileSync(join(pg, 'package.json'), '{"name":"pg","version":"99.0.0","main":"index.js"}');
      writeFileSync(join(pg, 'index.js'), 'module.exports = { Client: null, get Pool() { throw new Error("no pool"); } };');
      writeFileSync(join(dir, 'app.cjs'), `console.log(Object.keys(require('pg')), require('pg').Client);\nrequire(${JSON.stringify(play)}).faults.natural();\n`);
      return { words: contender.command(node, [join(dir, 'app.cjs')]) };
    },
    lines: 1,
  },
  {
    number: '29a',
    fault: '`npm start`',
    command(facts) {
      writeFileSync(join(facts.dir, 'package.json'), JSON.stringify({ scripts: { start: `node ${facts.play} natural` } }));
      return around(facts, ['npm', 'start']);
    },
    env: { npm_config_update_notifier: 'false', npm_config_loglevel: 'error' },
    delayMs: 2000,
  },
  {
    number: '29b',
    fault: 'otel-run within otel-run',
    command: ({ contender, node, play }) => ({ words: contender.command(node, contender.traced ? contender.command(node, [play, 'natural']).slice(1) : [play, 'natural']) }),
    not: isPreload,
  },
  {
    number: '30',
    fault: 'NODE_OPTIONS with quotes, a path with spaces',
    command({ contender, node, play, dir }) {
      const odd = join(dir, 'odd "name"');
      mkdirSync(odd);
      writeFileSync(join(odd, 'first.cjs'), 'if (/play/.test(process.argv[1])) console.log("first");');
      return { words: contender.command(node, [play, 'natural']), env: { NODE_OPTIONS: `--require "${join(odd, 'first.cjs').replaceAll('"', '\\"')}" --title="a b"` }, cwd: odd };
    },
  },
  { number: '31a', fault: 'worker threads', program: ['threads'] },
  { number: '31b', fault: 'cluster', program: ['cluster'] },
  { number: '31c', fault: 'fork', program: ['forks'] },
  {
    number: '32',
    fault: 'as PID 1: SIGTERM, the server closes and exits',
    command: behind(['unshare', '-pf', '--mount-proc'], ['closes']),
    // What is forced to replace the launcher there takes the exporter with it: the kernel ends the namespace.
    not: ({ name }) => !isRoot || name === 'otel-run (replace)',
    async inject(running) {
      await running.said('ready');
      const first = running.processes().find((pid) => /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1')));
      running.ending();
      process.kill(first ?? running.pid, 'SIGTERM');
    },
    delayMs: 2000,
  },
  { number: '33a', fault: '`| head -1`', command: ({ contender, node, play }) => ({ words: ['sh', '-c', '"$@" | head -1', 'sh', ...contender.command(node, [play, 'prints'])] }) },
  { number: '33b', fault: 'on a terminal', command: ({ contender, node, play }) => ({ words: ['script', '-qec', contender.command(node, [play, 'asksTerminal']).map((word) => `'${word}'`).join(' '), '/dev/null'] }) },
  {
    number: '34a',
    fault: 'command not found',
    spans: 0,
    command: (facts) => (facts.contender.traced ? around(facts, ['no-such-command']) : { words: ['sh', '-c', 'no-such-command 2>/dev/null'] }),
    not: isPreload,
    lines: 1,
  },
  {
    number: '34b',
    fault: 'command not executable',
    spans: 0,
    command(facts) {
      const file = join(facts.dir, 'plain-file');
      writeFileSync(file, 'x');
      chmodSync(file, 0o644);
      return facts.contender.traced ? around(facts, [file]) : { words: ['sh', '-c', `${file} 2>/dev/null`] };
    },
    not: isPreload,
    lines: 1,
  },
  {
    number: '37',
    fault: 'escape sequences in span names, `--print`',
    command: ({ contender, node, play }) => ({ words: contender.traced ? [...contender.launcher(node), '--print', node, play, 'escapes'] : [node, play, 'escapes'] }),
    not: ({ name }) => name !== 'node' && name !== 'otel-run (parent)',
    lines: 1_000_000,
    finding: ({ output }) => (/[\u0007\u001b]/.test(output.stderr) ? '✗ they reach the terminal' : null),
  },
  { number: '38', fault: 'odd attributes: NaN, BigInt, circular, 1 MB, getters that throw; a clock that jumps', program: ['oddValues'] },
  { number: '39', fault: 'deep recursion, then a loop blocked for 2 s, then exit', program: ['blocks'] },
  { number: '40a', fault: 'the application closes every file and opens its own', program: ['closesFiles'], lines: 1 },
  { number: '40b', fault: 'it deletes its temporary directory, `chdir`', program: ['deletesTemporary'], lines: 1 },
  { number: '40c', fault: 'it gives up root for another user', program: ['setsUid'], not: () => !isRoot, lines: 1, env: { FAULTS_NOTES: '' } },
];
