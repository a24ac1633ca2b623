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

/** Stands in front of the command, whatever that is. */
const launched = (name, needs, flags, more) => ({
  name,
  traced: true,
  protocol: 'otlp',
  needs,
  preload: null,
  launcher: (node) => [node, cli, ...flags],
  command: (node, args) => [node, cli, ...flags, node, ...args],
  env: (port) => ({ ...otlp(port), ...more }),
});

/** Is loaded into Node. */
const preloaded = (name, protocol, preload, env) => ({
  name,
  traced: true,
  protocol,
  needs: null,
  preload,
  launcher: () => [],
  command: (node, args) => [node, '--require', preload, ...args],
  env,
});

/** Traces of HTTP and Express alone, every request sampled, the same for all; each with its default instrumentations. */
export const contenders = [
  { name: 'node', traced: false, protocol: 'otlp', needs: null, preload: null, launcher: () => [], command: (node, args) => [node, ...args], env: () => ({}) },
  launched('otel-run (replace)', 'execve', [], { OTEL_RUN_WAIT: 'false' }),
  launched('otel-run (parent)', null, ['--wait'], {}),
  preloaded('stock preload', 'otlp', stock, (port) => ({ ...otlp(port), OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process' })),
  preloaded('dd-trace', 'datadog', dd, (port) => ({
    DD_TRACE_AGENT_URL: `http://127.0.0.1:${port}`,
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIGURATION_ENABLED: 'false',
    DD_TRACE_STARTUP_LOGS: 'false',
  })),
];

const all = { OTEL_METRICS_EXPORTER: 'otlp', OTEL_LOGS_EXPORTER: 'otlp' };

/** What each signal adds, to an application that logs a line a request; metrics are exported once a second, so that a round holds some. */
export const signalContenders = [
  contenders[0],
  launched('otel-run, traces', null, ['--wait'], {}),
  launched('  and metrics', null, ['--wait'], { OTEL_METRICS_EXPORTER: 'otlp', OTEL_METRIC_EXPORT_INTERVAL: '1000' }),
  launched('  and logs', null, ['--wait'], { OTEL_LOGS_EXPORTER: 'otlp' }),
  launched('  and both', null, ['--wait'], { ...all, OTEL_METRIC_EXPORT_INTERVAL: '1000' }),
  preloaded('stock preload, traces', 'otlp', stock, (port) => ({ ...otlp(port), OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process' })),
  preloaded('  and both', 'otlp', stock, (port) => ({ ...otlp(port), ...all, OTEL_NODE_RESOURCE_DETECTORS: 'env,host,os,process', OTEL_METRIC_EXPORT_INTERVAL: '1000', OTEL_METRIC_EXPORT_TIMEOUT: '1000' })),
];
