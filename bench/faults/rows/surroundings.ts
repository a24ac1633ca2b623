/** Rows 22 to 34 and 37 to 40: the machine, the settings, other programs, the application itself. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contender } from '../../contenders.mjs';
import type { Command, CommandFacts, Instead, Row, Running } from '../types.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const isPreload = ({ preload }: Contender): boolean => preload !== null;
const speaksNoOtlp = ({ protocol }: Contender): boolean => protocol !== 'otlp';

/** The contender's `node play.cjs …` behind these words. */
const behind = (words: readonly string[], program: readonly string[]) => ({ contender, node, play }: CommandFacts): Command => ({ words: [...words, ...contender.command(node, [play, ...program])] });

/** Another command than Node: a launcher stands in front of it, a preload goes through NODE_OPTIONS. */
const around = ({ contender, node }: CommandFacts, words: readonly string[]): Command => ({
  words: [...contender.launcher(node), ...words],
  ...(contender.preload === null ? {} : { env: { NODE_OPTIONS: `--require ${contender.preload}` } }),
});

/** The application runs without telemetry, and this is said. */
const nothing = (words: RegExp): Instead => ({ delivered: 0, counted: 0, words });

const said = ({ contender, output }: Running): string | null => (!contender.traced || output.stderr !== '' ? null : '✗ not a word');

/** A config file of these words, or made into what it is to be, in a project that it is searched for in. */
const withConfig = (content: string | ((file: string) => void)) => ({ contender, node, play, dir }: CommandFacts): Command => {
  const file = join(dir, 'otel-run.config.yaml');
  writeFileSync(join(dir, 'package.json'), '{}');
  writeFileSync(file, typeof content === 'string' ? content : '');
  if (typeof content !== 'string') content(file);
  return { words: contender.command(node, [play, 'natural']) };
};

/** otel-run from a copy with something wrong. */
const withCopy = ({ contender, node, play, dir }: CommandFacts, spoil: (copy: string) => void): Command => {
  const words = contender.command(node, [play, 'natural']);
  if (!contender.traced) return { words };
  const copy = join(dir, 'otel-run');
  // Of root it would be loaded from root's cache, where a sound one may be, if others could not read it.
  chmodSync(dir, 0o755);
  for (const name of ['bin', 'dist', 'package.json']) cpSync(join(root, name), join(copy, name), { recursive: true });
  spoil(copy);
  return { words: words.map((word) => word.replace(join(root, 'bin'), join(copy, 'bin'))) };
};

/** It was an experiment before Node 22.13: https://nodejs.org/docs/latest-v24.x/api/permissions.html */
const permission = (node: string): string => (spawnSync(node, ['--permission', '--version']).status === 0 ? '--permission' : '--experimental-permission');

export const surroundings: readonly Row[] = [
  {
    number: '22a',
    fault: 'no place for a spool',
    promise: 'the application runs without telemetry, and one line says why',
    program: ['natural'],
    env: { OTEL_RUN_SPOOL_DIR: '/proc/nowhere' },
    spansAreExtra: true,
    instead: nothing(/^otel-run: the application runs without telemetry: none of .* can be written and has room for the spool; .*\n$/),
    finding: said,
    not: isPreload,
    lines: 1,
  },
  {
    number: '22b',
    fault: 'a memory file system of 256 KiB',
    promise: 'what does not fit is counted in one line',
    spans: 20_000,
    command: (facts) => ({ words: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=256k none "$TMPDIR/spool" && exec "$@"', 'sh', ...facts.contender.command(facts.node, [facts.play, 'burst'])] }),
    not: isPreload,
    needsRoot: true,
    lines: 1,
    delayMs: 2000,
  },
  { number: '22c', fault: 'files of 20 kB at most (EFBIG)', promise: 'what does not fit is counted in one line', command: behind(['prlimit', '--fsize=20000'], ['natural', '1000']), spans: 1000, lines: 1 },
  { number: '22d', fault: 'no descriptor left (EMFILE)', promise: 'the application has its error, and nothing is lost', command: behind(['prlimit', '--nofile=300'], ['opensAll']), lines: 1 },
  {
    number: '23a',
    fault: 'an endpoint that is no URL',
    promise: 'the application runs, and one line names the setting',
    spansAreExtra: true,
    command: ({ contender, node, play }) => ({ words: contender.command(node, [play, 'natural']), env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'ht!tp:/x', DD_TRACE_AGENT_URL: 'ht!tp:/x' } }),
    instead: nothing(/^otel-run: OTEL_EXPORTER_OTLP_ENDPOINT: 'ht!tp:\/x' is no http:\/\/ or https:\/\/ URL; nothing is sent there\n$/),
    lines: 1,
    finding: said,
  },
  {
    number: '23b',
    fault: 'an unknown protocol',
    promise: 'the application runs, nothing is sent, and one line names the setting',
    program: ['natural'],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'pigeon' },
    spansAreExtra: true,
    instead: nothing(/^otel-run: OTEL_EXPORTER_OTLP_PROTOCOL: 'pigeon' is not known; nothing is sent; one of .*\n$/),
    not: speaksNoOtlp,
    lines: 1,
    finding: said,
  },
  { number: '23c', fault: 'headers that are none', promise: 'all is delivered without them, and a line names each', program: ['natural'], env: { OTEL_EXPORTER_OTLP_HEADERS: '=,=x' }, not: speaksNoOtlp, lines: 2, finding: said },
  { number: '24a', fault: 'a config file with a syntax error', promise: 'it is not used, and this is said; all is delivered', command: withConfig('service: {name: [\n'), not: isPreload, lines: 3, finding: said },
  { number: '24b', fault: 'a config file with an unknown key', promise: 'it is named; all is delivered', command: withConfig('servise: {}\n'), not: isPreload, lines: 1, finding: said },
  { number: '24c', fault: 'a config file with an alias that holds itself', promise: 'it is not used, and one line says so; all is delivered', command: withConfig('a: &a [*a]\n'), not: isPreload, lines: 1, finding: said },
  { number: '24d', fault: 'a config file of 1 GB', promise: 'it is not used, and one line says so; all is delivered', command: withConfig((file) => truncateSync(file, 1e9)), not: isPreload, lines: 1, finding: said },
  { number: '24e', fault: 'a config file that is a directory', promise: 'it is not used, and one line says so; all is delivered', command: withConfig((file) => (rmSync(file), mkdirSync(file))), not: isPreload, lines: 1, finding: said },
  { number: '24f', fault: 'a config file that is a link to nowhere', promise: 'all is delivered', command: withConfig((file) => (rmSync(file), symlinkSync('nowhere', file))), not: isPreload },
  { number: '24g', fault: 'a config file that begins with a byte order mark', promise: 'it is read, and nothing is said', command: withConfig('\ufeffservice: { name: shop }\n'), not: isPreload },
  {
    number: '25a',
    fault: 'the preload is not there',
    promise: 'the application runs without telemetry, and one line says why',
    spansAreExtra: true,
    command(facts) {
      const { contender, node, play } = facts;
      if (contender.preload !== null) return { words: [node, '--require', `${contender.preload}.gone`, play, 'natural'] };
      return withCopy(facts, (copy) => rmSync(join(copy, 'dist', 'agent'), { recursive: true }));
    },
    instead: nothing(/^otel-run: the application runs without telemetry: the agent is not there: .* \(install otel-run again\)\n$/),
    lines: 1,
  },
  {
    number: '25b',
    fault: 'the preload throws',
    promise: 'the application runs without telemetry, and one line says why',
    spansAreExtra: true,
    command: (facts) => withCopy(facts, (copy) => writeFileSync(join(copy, 'dist', 'agent', 'agent.js'), 'throw new Error("the agent fails");\n')),
    not: isPreload,
    instead: nothing(/^otel-run: .*the agent fails.*\n$/),
    lines: 1,
  },
  {
    number: '26',
    fault: 'Node with `--permission` (reading allowed)',
    promise: 'the application runs without telemetry, and one line names the flag that it lacks',
    command: ({ contender, node, play }) => ({ words: contender.command(node, [permission(node), '--allow-fs-read=*', play, 'natural']) }),
    env: { FAULTS_NOTES: '' },
    instead: nothing(/^otel-run: this process may not write to .* \(Node's permission model\), so it runs without telemetry; --allow-fs-write=.* would let it\.\n$/),
    lines: 1,
  },
  { number: '27', fault: 'the application has an OpenTelemetry SDK of its own', promise: 'it keeps its own, which delivers all', program: ['ownSdk'], not: speaksNoOtlp, lines: 1 },
  {
    number: '28',
    fault: 'a library out of range (a `pg` 99 that is none)',
    promise: 'it is left alone; all is delivered',
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
    promise: 'npm is stepped over, the application traced',
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
    promise: 'each span arrives once',
    command: ({ contender, node, play }) => ({ words: contender.command(node, contender.traced ? contender.command(node, [play, 'natural']).slice(1) : [play, 'natural']) }),
    not: isPreload,
  },
  { number: '29c', fault: 'twenty processes, each started by the one before', promise: 'each has its spans delivered', program: ['descends', '20'] },
  {
    number: '30',
    fault: 'NODE_OPTIONS with quotes, a path with spaces',
    promise: 'the application gets them as they are',
    command({ contender, node, play, dir }) {
      const odd = join(dir, 'odd "name"');
      mkdirSync(odd);
      writeFileSync(join(odd, 'first.cjs'), 'if (/play/.test(process.argv[1])) console.log("first");');
      return { words: contender.command(node, [play, 'natural']), env: { NODE_OPTIONS: `--require "${join(odd, 'first.cjs').replaceAll('"', '\\"')}" --title="a b"` }, cwd: odd };
    },
  },
  { number: '31a', fault: 'worker threads', promise: 'the spans of each arrive once', program: ['threads'] },
  { number: '31b', fault: 'cluster', promise: 'the spans of each arrive once', program: ['cluster'] },
  { number: '31c', fault: 'fork', promise: 'the spans of each arrive once', program: ['forks'] },
  {
    number: '32',
    fault: 'as PID 1: SIGTERM, the server closes and exits',
    promise: 'it ends as it would, and all is delivered',
    command: behind(['unshare', '-pf', '--mount-proc'], ['closes']),
    // What is forced to replace the launcher there takes the exporter with it: the kernel ends the namespace.
    not: ({ name }) => name === 'otel-run (replace)',
    needsRoot: true,
    async inject(running) {
      await running.said('ready');
      const first = running.processes().find((pid) => /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1')));
      running.ending();
      process.kill(first ?? running.pid, 'SIGTERM');
    },
    delayMs: 2000,
  },
  { number: '33a', fault: '`| head -1`', promise: 'the pipe breaks as it would, and all is delivered', command: ({ contender, node, play }) => ({ words: ['sh', '-c', '"$@" | head -1', 'sh', ...contender.command(node, [play, 'prints'])] }) },
  { number: '33b', fault: 'on a terminal', promise: 'it is one to the application as well', command: ({ contender, node, play }) => ({ words: ['script', '-qec', contender.command(node, [play, 'asksTerminal']).map((word) => `'${word}'`).join(' '), '/dev/null'] }) },
  {
    number: '34a',
    fault: 'command not found',
    promise: '127, as of a shell',
    spans: 0,
    command: (facts) => (facts.contender.traced ? around(facts, ['no-such-command']) : { words: ['sh', '-c', 'no-such-command 2>/dev/null'] }),
    not: isPreload,
    lines: 1,
  },
  {
    number: '34b',
    fault: 'command not executable',
    promise: '126, as of a shell',
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
    promise: 'none reaches the terminal',
    command: ({ contender, node, play }) => ({ words: contender.traced ? [...contender.launcher(node), '--print', node, play, 'escapes'] : [node, play, 'escapes'] }),
    not: ({ name }) => name !== 'node' && name !== 'otel-run (parent)',
    lines: 1_000_000,
    finding: ({ output }) => (/[\u0007\u001b]/.test(output.stderr) ? '✗ they reach the terminal' : null),
  },
  { number: '38', fault: 'odd attributes: NaN, BigInt, circular, 1 MB, getters that throw; a clock that jumps', promise: 'nothing throws, and all is delivered', program: ['oddValues'] },
  { number: '39', fault: 'deep recursion, then a loop blocked for 2 s, then exit', promise: 'all is delivered', program: ['blocks'] },
  { number: '40a', fault: 'the application closes every file and opens its own', promise: 'its own file holds what it wrote alone, and nothing is lost', program: ['closesFiles'], lines: 1 },
  {
    number: '40b',
    fault: 'it deletes its temporary directory, `chdir`',
    promise: 'what is finished afterwards is counted; what had been read before is delivered',
    program: ['deletesTemporary'],
    instead: { counted: 50, words: /^otel-run: process \d+ could not hand over 50 spans \(spool: ENOENT\): they are lost\n$/ },
    lines: 1,
  },
  { number: '40c', fault: 'it gives up root for another user', promise: 'nothing is lost but what is counted', program: ['setsUid'], needsRoot: true, lines: 1, env: { FAULTS_NOTES: '' } },
];
