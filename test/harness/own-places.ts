/**
 * Set up before each test file: programs that it starts have a spool and a state directory of their own, so that no run adopts,
 * and tells of, what one of another file left behind. Ports come again, and words for the next run are for a port.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const base = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir();
const spool = mkdtempSync(join(base, 'otel-run-test-'));
process.env.OTEL_RUN_SPOOL_DIR = spool;
process.env.XDG_STATE_HOME = join(spool, 'state');
afterAll(() => rmSync(spool, { recursive: true, force: true }));
