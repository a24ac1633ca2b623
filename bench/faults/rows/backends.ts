/** Rows 13 to 21: every way a backend can fail. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../../contenders.mjs';
import type { Command, CommandFacts, Row, Running } from '../types.ts';

const noOtlp = ({ protocol }: Contender): boolean => protocol !== 'otlp';
const spoken = { lines: 1 } as const;
/** What an unreached backend is given at the end. */
const patient = { lines: 1, delayMs: 2000 } as const;
const KEPT = 'the next run sends what one line says is kept';
const COUNTED = 'one request, and one line says what is lost';
const askedOnce = ({ backend: { requests } }: Running): string | null => (requests > 1 ? `✗ ${requests} requests` : null);
const overTls = ({ contender, node, play, port, dir }: CommandFacts): Command => ({
  words: contender.command(node, [play, 'natural']),
  env: { OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${port}`, OTEL_EXPORTER_OTLP_CERTIFICATE: join(dir, 'ca.pem') },
});

/** Resident MiB of all processes of the run, their growth from its third second to its last. */
const watchMemory = (seconds: number) => async (running: Running): Promise<void> => {
  const samples: number[] = [];
  for (let second = 0; second < seconds; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    samples.push(running.processes().reduce((sum, pid) => sum + residentMiB(pid), 0));
  }
  grown.set(running.dir, Math.max(...samples.slice(-3)) - Math.max(...samples.slice(2, 4)));
};
const grown = new Map<string, number>();

export const backends: readonly Row[] = [
  { number: '13', inReadme: true, fault: 'the backend refuses connections', program: ['natural'], backend: { kind: 'refused' }, ...spoken },
  { number: '14', inReadme: true, fault: 'it accepts and never answers', program: ['natural'], backend: { kind: 'hang' }, ...patient },
  { number: '15a', fault: 'it answers after 3 s', promise: `two seconds later at most; ${KEPT}`, program: ['natural'], backend: { kind: 'slow', delayMs: 3000 }, ...patient },
  { number: '15b', fault: 'it is behind a line of 2 kB/s', promise: `two seconds later at most; ${KEPT}`, program: ['natural'], backend: { kind: 'trickle', bytesPerSecond: 2000 }, ...patient },
  { number: '15c', fault: 'it resets the first connection', promise: 'all is delivered, or kept for the next run', program: ['natural'], backend: { kind: 'reset', times: 1 }, ...spoken },
  { number: '15d', fault: 'it is behind a line of 1 B/s', promise: `two seconds later at most; ${KEPT}`, program: ['natural'], backend: { kind: 'trickle', bytesPerSecond: 1 }, ...patient },
  { number: '15e', fault: 'the line to it loses what follows the first 500 bytes', promise: `two seconds later at most; ${KEPT}`, program: ['natural'], backend: { kind: 'loses', behindBytes: 500 }, ...patient },
  { number: '16a', fault: '503, Retry-After an hour', promise: `half a second later at most; ${KEPT}`, program: ['natural'], backend: { kind: 'status', status: 503, retryAfterMs: 3_600_000 }, ...spoken },
  { number: '16b', fault: '429 once, Retry-After 1 s, while the application runs', promise: 'it is asked again after that second, and all is delivered without a word', program: ['lingers', '4000'], backend: { kind: 'status', status: 429, retryAfterMs: 1000, times: 1 } },
  { number: '17a', fault: '400', promise: COUNTED, program: ['natural'], backend: { kind: 'status', status: 400 }, finding: askedOnce, ...spoken },
  { number: '17b', inReadme: true, fault: '500', promise: COUNTED, program: ['natural'], backend: { kind: 'status', status: 500 }, finding: askedOnce, ...spoken },
  { number: '17c', fault: '413 above 30 spans', promise: 'what is sent is halved until it is taken', program: ['natural'], backend: { kind: 'limit', items: 30 }, not: noOtlp },
  { number: '17d', fault: '401', promise: COUNTED, program: ['natural'], backend: { kind: 'status', status: 401 }, finding: askedOnce, ...spoken },
  { number: '18a', fault: '200 and garbage', promise: 'all is delivered, and nothing is said', program: ['natural'], backend: { kind: 'garbage' } },
  { number: '18b', fault: '200 and an answer without end', promise: 'the answer is read to a bound, and all is delivered', program: ['natural'], backend: { kind: 'flood', bytes: 2 ** 40 }, not: noOtlp, delayMs: 2000 },
  { number: '18c', fault: 'a redirect to another host', promise: 'nothing goes there, and one line says what is lost', program: ['natural'], backend: { kind: 'redirect', to: 'http://169.254.169.254/latest' }, ...spoken },
  { number: '19', fault: 'partial success: 7 of 100 refused', promise: 'the others are delivered, and one line counts the refused', program: ['natural'], backend: { kind: 'partial', rejected: 7, message: 'too old', times: 1 }, not: noOtlp, ...spoken },
  { number: '20a', fault: 'the connection is cut within the first answer', promise: 'all is delivered, or kept for the next run', program: ['natural'], backend: { kind: 'cut', times: 1 }, ...spoken },
  {
    number: '20b',
    fault: 'a certificate that nobody here trusts',
    promise: 'nothing is sent, all is kept, and one line says why',
    command: ({ contender, node, play, port }) => ({ words: contender.command(node, [play, 'natural']), env: { OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${port}` } }),
    backend: { kind: 'tls', certificate: 'cert' },
    not: noOtlp,
    ...spoken,
  },
  {
    number: '20c',
    fault: 'a host name that does not resolve',
    promise: 'all is kept, and one line says why',
    command: ({ contender, node, play }) => ({ words: contender.command(node, [play, 'natural']), env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://nowhere.invalid:4318', DD_TRACE_AGENT_URL: 'http://nowhere.invalid:8126' } }),
    backend: { kind: 'refused' },
    ...spoken,
  },
  { number: '20d', fault: 'a certificate that has expired', promise: 'nothing is sent, all is kept, and one line says why', command: overTls, backend: { kind: 'tls', certificate: 'expired' }, not: noOtlp, ...spoken },
  { number: '20e', fault: 'a certificate for another host', promise: 'nothing is sent, all is kept, and one line says why', command: overTls, backend: { kind: 'tls', certificate: 'wrongHost' }, not: noOtlp, ...spoken },
  {
    number: '21',
    fault: 'the backend is down, 1,000 spans/s for 12 s',
    promise: 'no more than 32 MiB of memory, and nothing is lost',
    program: ['flows', '12'],
    spans: 12_000,
    backend: { kind: 'refused' },
    inject: watchMemory(12),
    finding: ({ dir }) => {
      const mib = grown.get(dir) ?? 0;
      return `${mib > 32 ? '✗ ' : ''}${mib < 0 ? '' : '+'}${mib.toFixed(0)} MiB`;
    },
    limitMs: 40_000,
    lines: 2,
  },
];

function residentMiB(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it has ended
  }
}
