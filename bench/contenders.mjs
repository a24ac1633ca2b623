// Who runs: each contender turns [node, script] into a command line and an environment.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const cli = join(here, '..', 'bin', 'otel-run.js');
const stock = join(here, 'peers', 'stock', 'node_modules', '@opentelemetry', 'auto-instrumentations-node', 'dist', 'register.cjs');
const dd = join(here, 'peers', 'dd', 'node_modules', 'dd-trace', 'init.js');

const otlp = (port) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  OTEL_TRACES_EXPORTER: 'otlp',
  OTEL_METRICS_EXPORTER: 'none',
  OTEL_LOGS_EXPORTER: 'none',
});

/** Traces of HTTP and Express alone, every request sampled, the same for all; each with its default instrumentations. */
export const contenders = [
  { name: 'node', traced: false, command: (node, args) => [node, ...args], env: () => ({}) },
  { name: 'otel-run (replace)', traced: true, needs: 'execve', command: (node, args) => [node, cli, node, ...args], env: (port) => ({ ...otlp(port), OTEL_RUN_WAIT: 'false' }) },
  { name: 'otel-run (parent)', traced: true, command: (node, args) => [node, cli, '--wait', node, ...args], env: otlp },
  { name: 'stock preload', traced: true, command: (node, args) => [node, '--require', stock, ...args], env: (port) => ({ ...otlp(port), OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process' }) },
  {
    name: 'dd-trace',
    traced: true,
    command: (node, args) => [node, '--require', dd, ...args],
    env: (port) => ({ DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}`, DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false', DD_REMOTE_CONFIGURATION_ENABLED: 'false', DD_TRACE_STARTUP_LOGS: 'false' }),
  },
];
