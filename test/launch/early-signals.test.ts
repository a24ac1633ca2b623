/** A signal at any moment of a young otel-run ends the whole of it, or is the application's: as under plain Node. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { isAlive, pids, readProc } from '../harness/processes.ts';
import { startOtelRun } from '../harness/run.ts';
import { until } from '../export/room.ts';

/** Counts what comes for a moment and ends with a code of its own. */
const application = `let count = 0;
  const came = () => { if (++count === 1) setTimeout(() => { console.log('came', count); process.exit(5) }, 200) };
  process.on('SIGTERM', came).on('SIGINT', came);
  setInterval(() => {}, 1e6);`;

const moments = [0, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300];

it.each((['replace', 'parent'] as const).flatMap((topology) => (['SIGTERM', 'SIGINT'] as const).map((signal) => ({ topology, signal }))))(
  '$topology, $signal to otel-run alone',
  { timeout: 60_000 },
  async ({ topology, signal }) => {
    const dir = mkdtempSync(join(tmpdir(), 'early-'));
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    for (const moment of moments) {
      const program = startOtelRun({ args: ['node', '-e', application], topology, ownSession: true, env: { TMPDIR: dir, OTEL_RUN_DRAIN_UNREACHED: '1' } });
      await delay(moment);
      program.kill(signal);
      const { stdout, stderr, exitCode, signal: endedBy } = await program.ended;
      // Which of the two depends on how far it had come.
      expect([{ stdout: '', endedBy: signal, exitCode: null }, { stdout: 'came 1\n', endedBy: null, exitCode: 5 }], `after ${moment} ms`).toContainEqual({ stdout, endedBy, exitCode });
      expect(stderr).toBe('');
    }
    await until(() => !pids().some((pid) => readProc(pid, 'environ').includes(`TMPDIR=${dir}\0`) && isAlive(pid)), 'the end of all', 20_000);
  },
);
