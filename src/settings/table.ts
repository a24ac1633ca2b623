import type { ViewPlan } from '../plan/types.ts';
import { INSTRUMENTATION_NAMES } from './instrumentation-names.ts';
import { signalRows } from './otlp-table.ts';
import type { NamedSettings } from './resolve-destinations.ts';

const ASKS_NETWORK = 'detectors that ask the network are not supported';
const REMOTE_SAMPLER = 'samplers that ask a server are not supported';

/**
 * THE table of settings. The key is the path in the config file. Flags and their help, environment variables,
 * validation, the JSON schema, the table in the README and what `--dry-run` shows all come from it.
 */
export const table = {
  'service.name': {
    type: 'string', default: null, group: 'Service', shown: 'value',
    flag: '--service-name <name>', env: ['OTEL_SERVICE_NAME'],
    help: 'name of the service (otherwise of the package of the main script)',
  },
  'service.version': {
    type: 'string', default: null, group: 'Service', shown: 'value',
    flag: '--service-version <version>', env: ['OTEL_RUN_SERVICE_VERSION'],
    help: 'version of the service (otherwise of that package)',
  },
  environment: {
    type: 'string', default: null, group: 'Service', shown: 'value',
    flag: '--environment <name>', env: ['OTEL_RUN_ENVIRONMENT'],
    help: 'production, staging, … (deployment.environment.name)',
  },
  resource: {
    type: 'map', default: {}, group: 'Service', shown: 'value',
    flag: '--resource <key=value>', env: ['OTEL_RESOURCE_ATTRIBUTES'],
    help: 'a further resource attribute (repeatable)',
  },
  detectors: {
    type: 'list', values: ['env', 'host', 'os', 'process', 'container', 'serviceinstance'], all: true, none: true,
    unsupported: { aws: ASKS_NETWORK, gcp: ASKS_NETWORK, azure: ASKS_NETWORK, alibaba: ASKS_NETWORK },
    default: null, group: 'Service', shown: 'value', env: ['OTEL_NODE_RESOURCE_DETECTORS'],
    help: 'resource detectors: none, all, or some of host, os, process, container, serviceinstance',
  },

  'otlp.endpoint': {
    type: 'url', default: null, group: 'Sending', shown: 'url',
    flag: '--endpoint <url>', env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    help: 'OTLP backend (http://localhost:4318, for grpc 4317)', instead: 'nothing is sent',
  },
  'otlp.protocol': {
    type: 'enum', values: ['http/protobuf', 'grpc', 'http/json'], default: 'http/protobuf', group: 'Sending', shown: 'value',
    flag: '--protocol <name>', env: ['OTEL_EXPORTER_OTLP_PROTOCOL'],
    help: 'grpc, http/protobuf or http/json', instead: 'nothing is sent',
  },
  'otlp.headers': {
    type: 'headers', default: {}, group: 'Sending', shown: 'names',
    flag: '--header <name=@file>', env: ['OTEL_EXPORTER_OTLP_HEADERS'],
    help: "a header to send, also 'name=${VAR}' (repeatable)",
  },
  'otlp.timeout': {
    type: 'duration', default: 10_000, group: 'Sending', shown: 'value', env: ['OTEL_EXPORTER_OTLP_TIMEOUT'],
    help: 'milliseconds for one request',
  },
  'otlp.compression': {
    type: 'enum', values: ['none', 'gzip'], default: 'none', group: 'Sending', shown: 'value',
    env: ['OTEL_EXPORTER_OTLP_COMPRESSION'], help: 'none or gzip',
  },
  'otlp.certificate': {
    type: 'path', default: null, group: 'Sending', shown: 'value', env: ['OTEL_EXPORTER_OTLP_CERTIFICATE'],
    help: "PEM file of the authorities that sign the backend's certificate",
  },
  'otlp.clientKey': {
    type: 'path', default: null, group: 'Sending', shown: 'value', env: ['OTEL_EXPORTER_OTLP_CLIENT_KEY'],
    help: 'PEM file of the private key for mTLS',
  },
  'otlp.clientCertificate': {
    type: 'path', default: null, group: 'Sending', shown: 'value', env: ['OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE'],
    help: 'PEM file of the certificate for mTLS',
  },
  'otlp.insecure': {
    type: 'boolean', default: false, group: 'Sending', shown: 'value', env: ['OTEL_EXPORTER_OTLP_INSECURE'],
    help: 'gRPC without TLS where the endpoint names no scheme',
  },
  ...signalRows('traces'),
  ...signalRows('metrics'),
  ...signalRows('logs'),
  destinations: {
    type: 'destinations', default: {}, group: 'Sending', shown: 'names', env: [],
    help: 'further OTLP backends by name, each with settings of its own',
  },
  'batch.delay': {
    type: 'duration', default: 1000, group: 'Sending', shown: 'value', env: ['OTEL_BSP_SCHEDULE_DELAY'],
    help: 'milliseconds that a span waits for company at most',
  },
  'batch.size': {
    type: 'integer', min: 1, default: 512, group: 'Sending', shown: 'value', env: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
    help: 'spans in one request at most',
  },
  'drain.unreached': {
    type: 'duration', default: 2000, group: 'Sending', shown: 'value', env: ['OTEL_RUN_DRAIN_UNREACHED'],
    help: 'milliseconds for the rest at the end while the backend has not answered yet',
  },
  'drain.bad': {
    type: 'duration', default: 500, group: 'Sending', shown: 'value', env: ['OTEL_RUN_DRAIN_BAD'],
    help: 'milliseconds for the rest at the end once the backend has failed to take it, or with a terminal as stdin',
  },

  'traces.exporters': {
    type: 'list', values: ['otlp', 'console'], none: true, default: ['otlp'], group: 'Telemetry', shown: 'value',
    flag: '--traces <exporters>', env: ['OTEL_TRACES_EXPORTER'],
    unsupported: { zipkin: 'the exporter zipkin is not supported', jaeger: 'the exporter jaeger is gone from OpenTelemetry; Jaeger takes otlp', 'otlp/stdout': 'standard output belongs to the application; console writes to stderr' },
    help: 'otlp, console or none', instead: 'no traces are exported', emptied: true,
  },
  'traces.sampler': {
    type: 'enum', default: 'parentbased_always_on', group: 'Telemetry', shown: 'value',
    values: ['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'],
    unsupported: { jaeger_remote: REMOTE_SAMPLER, parentbased_jaeger_remote: REMOTE_SAMPLER, xray: REMOTE_SAMPLER },
    flag: '--sampler <name>', env: ['OTEL_TRACES_SAMPLER'],
    help: 'always_on, always_off, traceidratio, parentbased_…', instead: 'sampling 100 % instead (parentbased_always_on)',
  },
  'traces.sample': {
    type: 'ratio', default: null, group: 'Telemetry', shown: 'value',
    flag: '--sample <ratio>', env: ['OTEL_RUN_SAMPLE'],
    help: 'share of traces, 0 to 1 (parentbased_traceidratio)', instead: 'sampling 100 % instead',
  },
  'traces.samplerArg': {
    type: 'string', inFile: false, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_TRACES_SAMPLER_ARG'],
    help: 'the ratio of OTEL_TRACES_SAMPLER',
  },
  'traces.recordStarts': {
    type: 'enum', values: ['none', 'long', 'all'], default: 'long', group: 'Telemetry', shown: 'value',
    env: ['OTEL_RUN_RECORD_STARTS'],
    help: 'spans that a kill or crash cuts off: none, long (open for 0.1 s), all',
  },
  propagators: {
    type: 'list', values: ['tracecontext', 'baggage', 'b3', 'b3multi', 'jaeger', 'xray', 'ottrace'], none: true,
    default: ['tracecontext', 'baggage'], group: 'Telemetry', shown: 'value',
    flag: '--propagators <names>', env: ['OTEL_PROPAGATORS'],
    help: 'tracecontext, baggage, b3, b3multi, jaeger, xray, ottrace',
  },
  'instrumentations.only': {
    type: 'list', values: INSTRUMENTATION_NAMES, prefix: '@opentelemetry/instrumentation-', none: true, default: null, group: 'Telemetry', shown: 'value',
    flag: '--instrument <names>', env: ['OTEL_NODE_ENABLED_INSTRUMENTATIONS'],
    help: 'trace these libraries alone (http,express,pg)',
  },
  'instrumentations.disabled': {
    type: 'list', values: INSTRUMENTATION_NAMES, prefix: '@opentelemetry/instrumentation-', none: true, default: [], group: 'Telemetry', shown: 'value',
    flag: '--no-instrument <names>', env: ['OTEL_NODE_DISABLED_INSTRUMENTATIONS'],
    help: 'do not trace these libraries',
  },
  'instrumentations.options': {
    type: 'options', default: {}, group: 'Telemetry', shown: 'names', env: [],
    help: 'options of instrumentations, by name, as auto-instrumentations-node takes them',
  },
  'express.layers': {
    type: 'enum', values: ['none', 'handlers', 'all'], default: 'none', group: 'Telemetry', shown: 'value',
    env: ['OTEL_RUN_EXPRESS_LAYERS'], help: 'spans of Express layers: none, handlers or all',
  },
  'redact.names': {
    type: 'list', default: [], group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_REDACT_NAMES'],
    help: 'further names whose values are redacted: parameters, headers, options, attributes',
  },
  'redact.attributes': {
    type: 'list', default: [], group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_REDACT_ATTRIBUTES'],
    help: 'attributes that are redacted whole, by key (app.customer.*)',
  },
  'redact.patterns': {
    type: 'list', form: 'pattern', default: [], group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_REDACT_PATTERNS'],
    help: 'regular expressions of what is redacted in any value (in the variable one a line)', instead: 'it is not used',
  },
  'redact.keep': {
    type: 'list', default: [], group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_REDACT_KEEP'],
    help: 'names and attributes that are not redacted though they are on the built-in lists',
  },
  'limits.attributeValueLength': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    help: 'characters of an attribute at most (no limit)',
  },
  'limits.attributeCount': {
    type: 'integer', min: 0, default: 128, group: 'Telemetry', shown: 'value', env: ['OTEL_ATTRIBUTE_COUNT_LIMIT'],
    help: 'attributes of a span, event or link at most',
  },
  'limits.span.attributeValueLength': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    help: 'for spans alone',
  },
  'limits.span.attributeCount': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'],
    help: 'for spans alone',
  },
  'limits.span.events': {
    type: 'integer', min: 0, default: 128, group: 'Telemetry', shown: 'value', env: ['OTEL_SPAN_EVENT_COUNT_LIMIT'],
    help: 'events of a span at most',
  },
  'limits.span.links': {
    type: 'integer', min: 0, default: 128, group: 'Telemetry', shown: 'value', env: ['OTEL_SPAN_LINK_COUNT_LIMIT'],
    help: 'links of a span at most',
  },
  'limits.event.attributeCount': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value',
    env: ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'], help: 'for events of spans alone',
  },
  'limits.link.attributeCount': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value',
    env: ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'], help: 'for links of spans alone',
  },
  'metrics.exporters': {
    type: 'list', values: ['otlp', 'prometheus', 'console'], none: true, default: [], group: 'Telemetry', shown: 'value',
    flag: '--metrics <exporters>', env: ['OTEL_METRICS_EXPORTER'],
    help: 'otlp, prometheus, console or none', emptied: true, instead: 'no metrics are exported',
  },
  'metrics.interval': {
    type: 'duration', min: 100, default: 60_000, group: 'Telemetry', shown: 'value', env: ['OTEL_METRIC_EXPORT_INTERVAL'],
    help: 'milliseconds between two exports',
  },
  'metrics.temporality': {
    type: 'enum', values: ['cumulative', 'delta', 'lowmemory'], default: 'cumulative', group: 'Telemetry', shown: 'value',
    env: ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'], help: 'cumulative, delta or lowmemory, for OTLP',
  },
  'metrics.histograms': {
    type: 'enum', values: ['explicit_bucket_histogram', 'base2_exponential_bucket_histogram'], default: 'explicit_bucket_histogram', group: 'Telemetry', shown: 'value',
    env: ['OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION'], help: 'explicit_bucket_histogram or base2_exponential_bucket_histogram',
  },
  'metrics.own': {
    type: 'boolean', default: true, group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_OWN_METRICS'],
    help: 'what became of spans, records and points, and what exporting costs (otelrun.*), where metrics are exported',
  },
  'metrics.exemplars': {
    type: 'enum', values: ['trace_based', 'always_on', 'always_off'], default: 'always_off', group: 'Telemetry', shown: 'value',
    env: ['OTEL_METRICS_EXEMPLAR_FILTER'], help: 'single measurements with their traces: trace_based, always_on, always_off',
  },
  'metrics.views': {
    type: 'views', default: [], group: 'Telemetry', shown: 'names', env: [],
    help: 'which instruments are renamed, dropped, aggregated otherwise, freed of attributes',
  },
  'prometheus.host': {
    type: 'string', default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_EXPORTER_PROMETHEUS_HOST'],
    help: 'address of the page for Prometheus (127.0.0.1)',
  },
  'prometheus.port': {
    type: 'integer', min: 1, max: 65_535, default: 9464, group: 'Telemetry', shown: 'value', env: ['OTEL_EXPORTER_PROMETHEUS_PORT'],
    help: 'port of the page for Prometheus',
  },
  'logs.exporters': {
    type: 'list', values: ['otlp', 'console'], none: true, default: [], group: 'Telemetry', shown: 'value',
    flag: '--logs <exporters>', env: ['OTEL_LOGS_EXPORTER'],
    help: 'otlp, console or none: log records of pino, winston, bunyan and the API', emptied: true, instead: 'no logs are exported',
  },
  'logs.console': {
    type: 'boolean', default: false, group: 'Telemetry', shown: 'value', env: ['OTEL_RUN_LOGS_CONSOLE'],
    help: 'what is written to the console is a log record too (Node 22.15 and later)',
  },
  'limits.logRecord.attributeValueLength': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    help: 'for log records alone',
  },
  'limits.logRecord.attributeCount': {
    type: 'integer', min: 0, default: null, group: 'Telemetry', shown: 'value', env: ['OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT'],
    help: 'for log records alone',
  },

  print: {
    type: 'boolean', default: false, group: 'Running', shown: 'value',
    flag: '--print', env: ['OTEL_RUN_PRINT'],
    help: 'print trace trees on stderr as they end',
  },
  wait: {
    type: 'boolean', default: null, group: 'Running', shown: 'value',
    flag: '--wait', env: ['OTEL_RUN_WAIT'],
    help: 'outlive the command to send the rest (0.5 to 10 s at most)',
  },
  termDelay: {
    type: 'seconds', default: 0, group: 'Running', shown: 'value',
    flag: '--term-delay <seconds>', env: ['OTEL_RUN_TERM_DELAY'],
    help: 'pass SIGTERM on so much later (a second one at once)',
  },
  inProcess: {
    type: 'boolean', default: false, group: 'Running', shown: 'value',
    flag: '--in-process', env: ['OTEL_RUN_IN_PROCESS'],
    help: 'export inside the application, with no process beside it',
  },
  keepEnv: {
    type: 'boolean', default: false, group: 'Running', shown: 'value',
    flag: '--keep-env', env: ['OTEL_RUN_KEEP_ENV'],
    help: "leave the backend's credentials in the environment",
  },
  disabled: {
    type: 'boolean', default: false, group: 'Running', shown: 'value', env: ['OTEL_SDK_DISABLED'],
    help: 'check the settings, then run the command as without otel-run',
  },
  runDisabled: {
    type: 'boolean', inFile: false, default: false, group: 'Running', shown: 'value', env: ['OTEL_RUN_DISABLED'], unknown: true,
    help: 'run the command and do nothing else; no setting is read',
  },
  'spool.dir': {
    type: 'path', default: null, group: 'Running', shown: 'value', env: ['OTEL_RUN_SPOOL_DIR'],
    help: 'folder for what is on its way (memory file system where there is room)',
  },
  'spool.size': {
    type: 'bytes', min: 65_536, default: null, group: 'Running', shown: 'value', env: ['OTEL_RUN_SPOOL_SIZE'],
    help: 'bytes on their way at most (at most 64MiB)',
  },
  keep: {
    type: 'boolean', default: null, group: 'Running', shown: 'value', env: ['OTEL_RUN_KEEP'],
    help: 'keep what could not be sent (in a container only on a volume)',
  },
  stateDir: {
    type: 'path', default: null, group: 'Running', shown: 'value', env: ['OTEL_RUN_STATE_DIR'],
    help: 'folder for what could not be sent ($XDG_STATE_HOME/otel-run)',
  },

  config: {
    type: 'path', inFile: false, default: null, group: 'Settings', shown: 'value',
    flag: '--config <file>', env: ['OTEL_RUN_CONFIG'],
    help: 'read this config file, search for none', instead: 'no config file is used',
  },
  noConfig: {
    type: 'boolean', inFile: false, default: false, group: 'Settings', shown: 'value',
    flag: '--no-config', env: ['OTEL_RUN_NO_CONFIG'],
    help: 'read no config file',
  },
  strict: {
    type: 'boolean', default: false, group: 'Settings', shown: 'value',
    flag: '--strict', env: ['OTEL_RUN_STRICT'],
    help: 'do not start with an invalid setting',
  },
  quiet: {
    type: 'boolean', default: false, group: 'Settings', shown: 'value',
    flag: '--quiet', env: ['OTEL_RUN_QUIET'],
    help: 'errors only',
  },
  verbose: {
    type: 'boolean', default: false, group: 'Settings', shown: 'value',
    flag: '--verbose', env: ['OTEL_RUN_VERBOSE'],
    help: 'say more',
  },
  logLevel: {
    type: 'enum', values: ['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all'], default: null,
    group: 'Settings', shown: 'value', inFile: false, env: ['OTEL_LOG_LEVEL'],
    help: 'none and error are quiet, debug and above verbose',
  },
  dryRun: {
    type: 'boolean', inFile: false, default: false, group: 'Settings', shown: 'value',
    flag: '--dry-run', env: ['OTEL_RUN_DRY_RUN'],
    help: 'show settings with origins and the plan; start nothing',
  },
  json: {
    type: 'boolean', inFile: false, default: false, group: 'Settings', shown: 'value',
    flag: '--json', env: ['OTEL_RUN_JSON'],
    help: 'with --dry-run, status and purge: for machines',
  },
} as const satisfies Record<string, Setting>;

export type Group = 'Service' | 'Sending' | 'Telemetry' | 'Running' | 'Settings';

interface Common {
  readonly group: Group;
  /** As commander takes it. */
  readonly flag?: `--${string}`;
  /** In order: the first that is set wins. */
  readonly env: readonly string[];
  /** False where a config file has no say. */
  readonly inFile?: false;
  readonly help: string;
  /** What `--dry-run` may show of a value. */
  readonly shown: 'value' | 'url' | 'names';
  /** What holds where the value is invalid, if more is to say than the default. */
  readonly instead?: string;
  /** Words that OpenTelemetry knows and we do not, with the reason. */
  readonly unsupported?: Readonly<Record<string, string>>;
}

export type Setting = Common &
  (
    | { readonly type: 'string' | 'path' | 'url'; readonly default: null }
    | { readonly type: 'enum'; readonly values: readonly string[]; readonly default: string | null }
    | { readonly type: 'boolean'; readonly default: boolean | null; /** What a word counts as that is no boolean: false, where nothing is said. */ readonly unknown?: true }
    | { readonly type: 'integer' | 'bytes'; readonly min: number; readonly max?: number; readonly default: number | null }
    | { readonly type: 'duration'; readonly min?: number; readonly default: number | null }
    | { readonly type: 'seconds' | 'ratio'; readonly default: number | null }
    | {
        readonly type: 'list';
        /** Regular expressions, one a line where others are separated by commas. */
        readonly form?: 'pattern';
        /** The words allowed; undefined = any. */
        readonly values?: readonly string[];
        /** `none` is an empty list. */
        readonly none?: true;
        /** `all` is the default. */
        readonly all?: true;
        /** May stand before each word. */
        readonly prefix?: string;
        /** An empty list, not the default, where no word is valid. */
        readonly emptied?: true;
        readonly default: readonly string[] | null;
      }
    | { readonly type: 'map' | 'headers' | 'options' | 'destinations'; readonly default: Readonly<Record<string, never>> }
    | { readonly type: 'views'; readonly default: readonly [] }
  );

export type SettingKey = keyof typeof table;
export type ValueOf<K extends SettingKey> = Value<(typeof table)[K]>;

export type Value<S extends Setting> = Plain<S> | (S['default'] extends null ? null : never);
type Plain<S extends Setting> = S extends { type: 'list'; values: readonly (infer W)[] }
  ? readonly W[]
  : S extends { type: 'enum'; values: readonly (infer W)[] }
    ? W
    : {
        string: string; path: string; url: string; enum: string; boolean: boolean;
        integer: number; bytes: number; duration: number; seconds: number; ratio: number; list: readonly string[];
        map: Readonly<Record<string, string>>; headers: Readonly<Record<string, string>>;
        options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
        destinations: Readonly<Record<string, NamedSettings>>;
        views: readonly ViewPlan[];
      }[S['type']];
