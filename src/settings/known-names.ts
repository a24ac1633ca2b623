import { AGENT_PLAN_VARIABLE } from '../plan/types.ts';
import { table, type Setting } from './table.ts';

const settings: readonly Setting[] = Object.values(table);

/** Variables of ours: those of the table, and the plan that our own processes hand down. */
export const OTEL_RUN_NAMES: ReadonlySet<string> = new Set([
  AGENT_PLAN_VARIABLE,
  ...settings.flatMap((setting) => setting.env.filter((name) => name.startsWith('OTEL_RUN_'))),
]);

/** What cannot be honoured, and so gets a line where it is set. `note`: what it is for is done in another way. */
export const UNHONOURED: Readonly<Record<string, { readonly severity: 'warning' | 'note'; readonly text: string }>> = {
  OTEL_CONFIG_FILE: { severity: 'warning', text: "OpenTelemetry's declarative configuration is not supported yet; the file is not read" },
  OTEL_EXPERIMENTAL_CONFIG_FILE: { severity: 'warning', text: "OpenTelemetry's declarative configuration is not supported yet; the file is not read" },
  OTEL_ENTITIES: { severity: 'warning', text: 'entities are not supported; it is not used' },
  OTEL_BSP_MAX_QUEUE_SIZE: { severity: 'note', text: 'not used: finished spans wait in files, bounded by spool.size' },
  OTEL_BSP_EXPORT_TIMEOUT: { severity: 'note', text: 'not used: otlp.timeout bounds each request' },
  OTEL_BLRP_MAX_QUEUE_SIZE: { severity: 'note', text: 'not used: log records wait in files, bounded by spool.size' },
  OTEL_BLRP_EXPORT_TIMEOUT: { severity: 'note', text: 'not used: otlp.timeout bounds each request' },
  OTEL_BLRP_SCHEDULE_DELAY: { severity: 'note', text: 'not used: batch.delay holds for log records too' },
  OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: { severity: 'note', text: 'not used: batch.size holds for log records too' },
  OTEL_METRIC_EXPORT_TIMEOUT: { severity: 'note', text: 'not used: otlp.timeout bounds each request' },
};

const SIGNALS = ['', 'TRACES_', 'METRICS_', 'LOGS_', 'PROFILES_'];
const OTLP_PARTS = ['ENDPOINT', 'PROTOCOL', 'HEADERS', 'TIMEOUT', 'COMPRESSION', 'CERTIFICATE', 'CLIENT_KEY', 'CLIENT_CERTIFICATE', 'INSECURE'];

/**
 * Every variable of the OpenTelemetry specification and of its JavaScript packages, those that have no meaning here
 * among them. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const OTEL_NAMES: ReadonlySet<string> = new Set([
  ...settings.flatMap((setting) => setting.env.filter((name) => !name.startsWith('OTEL_RUN_'))),
  ...Object.keys(UNHONOURED),
  ...SIGNALS.flatMap((signal) => OTLP_PARTS.map((part) => `OTEL_EXPORTER_OTLP_${signal}${part}`)),
  'OTEL_EXPORTER_OTLP_SPAN_INSECURE',
  'OTEL_EXPORTER_OTLP_METRIC_INSECURE',
  'OTEL_EXPORTER_ZIPKIN_ENDPOINT',
  'OTEL_EXPORTER_ZIPKIN_TIMEOUT',
  'OTEL_EXPORTER_ZIPKIN_PROTOCOL',
  'OTEL_EXPORTER_JAEGER_AGENT_HOST',
  'OTEL_EXPORTER_JAEGER_AGENT_PORT',
  'OTEL_EXPORTER_JAEGER_ENDPOINT',
  'OTEL_EXPORTER_JAEGER_PROTOCOL',
  'OTEL_EXPORTER_JAEGER_TIMEOUT',
  'OTEL_EXPORTER_JAEGER_USER',
  'OTEL_EXPORTER_JAEGER_PASSWORD',
  'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT',
  'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT',
  'OTEL_PROFILES_EXPORTER',
  'OTEL_SEMCONV_STABILITY_OPT_IN',
  'OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN',
  'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT',
  'OTEL_NODE_EXPERIMENTAL_SDK_METRICS',
]);
