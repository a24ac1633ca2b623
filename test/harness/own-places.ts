/**
 * Set up before each test file: programs that it starts have a spool of their own, so that no run adopts, and
 * tells of, what a killed one of another file left behind.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const base = statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir();
const spool = mkdtempSync(join(base, 'otel-run-test-'));
process.env.OTEL_RUN_SPOOL_DIR = spool;
afterAll(() => rmSync(spool, { recursive: true, force: true }));
