/**
 * The values that pass between the rooms. Plain, readonly, printable as JSON.
 * `settings` produces what they are made of, `plan` makes them, `launch`, `agent` and `export` obey them.
 */

/** Environment variable that carries the {@link AgentPlan} (JSON) to every process of the application. */
export const AGENT_PLAN_VARIABLE = 'OTEL_RUN_PLAN';

export type SignalName = 'traces' | 'metrics' | 'logs';

export type SamplerPlan =
  | { readonly kind: 'always_on' | 'always_off' }
  | { readonly kind: 'traceidratio'; readonly ratio: number }
  | { readonly kind: 'parentbased'; readonly root: SamplerPlan };

/** Limits of the specification's SDK configuration; undefined = no limit. Counts are items, lengths characters. */
export interface SpanLimitsPlan {
  readonly attributeValueLength?: number;
  readonly attributeCount: number;
  readonly eventCount: number;
  readonly linkCount: number;
  readonly attributePerEventCount: number;
  readonly attributePerLinkCount: number;
}

/** What becomes of the instruments that it selects. In the words of OpenTelemetry's declarative configuration. */
export interface ViewPlan {
  readonly selector: {
    /** `*` for any characters, `?` for one. */
    readonly instrument_name?: string;
    readonly instrument_type?: 'counter' | 'gauge' | 'histogram' | 'observable_counter' | 'observable_gauge' | 'observable_up_down_counter' | 'up_down_counter';
    readonly unit?: string;
    readonly meter_name?: string;
    readonly meter_version?: string;
    readonly meter_schema_url?: string;
  };
  readonly stream?: {
    readonly name?: string;
    readonly description?: string;
    /** One of them. */
    readonly aggregation?: {
      readonly default?: true;
      readonly drop?: true;
      readonly sum?: true;
      readonly last_value?: true;
      readonly explicit_bucket_histogram?: { readonly boundaries?: readonly number[]; readonly record_min_max?: boolean };
      readonly base2_exponential_bucket_histogram?: { readonly max_size?: number; readonly record_min_max?: boolean };
    };
    readonly aggregation_cardinality_limit?: number;
    /** With `*` and `?`, too. */
    readonly attribute_keys?: { readonly included?: readonly string[]; readonly excluded?: readonly string[] };
  };
}

export interface MetricsPlan {
  readonly histograms: 'explicit' | 'exponential';
  readonly views: readonly ViewPlan[];
  /** Which measurements may be kept beside what they are counted in. */
  readonly exemplars: 'trace_based' | 'always_on' | 'always_off';
  /** Processor time and memory of the process: of one thread in each. */
  readonly process: boolean;
}

export interface LogsPlan {
  /** What is written to the console is a log record too. */
  readonly console: boolean;
  /** Attributes of a record; undefined = no limit. */
  readonly limits: { readonly count: number; readonly valueLength?: number };
}

export type Propagator = 'tracecontext' | 'baggage' | 'b3' | 'b3multi' | 'jaeger' | 'xray' | 'ottrace';
/** Of which spans the start is in the spool before they end, for an end that no JavaScript sees. */
export type RecordStarts = 'none' | 'long' | 'all';
export type ExpressLayers = 'none' | 'handlers' | 'all';

/**
 * What the agent in each process of the application is told. Every process of the tree gets the same one, so
 * it holds nothing that belongs to one process, and no secret: any process of the tree can read it.
 */
export interface AgentPlan {
  readonly version: 1;
  /** Random id of the run, 16 hex digits. */
  readonly run: string;
  /** Absolute path of the preload (`dist/agent/register.js`) that NODE_OPTIONS names. */
  readonly preload: string;
  readonly handOff: HandOffPlan;
  readonly serviceName: string | null;
  readonly serviceVersion: string | null;
  /** Further resource attributes from settings (`deployment.environment.name` among them). */
  readonly resource: Readonly<Record<string, string>>;
  /** Names of resource detectors (`host`, `os`, `process`, `container`, `serviceinstance`), or null for all of these. */
  readonly detectors: readonly string[] | null;
  /** Null where traces are exported nowhere: context is still propagated. */
  readonly traces: { readonly sampler: SamplerPlan; readonly limits: SpanLimitsPlan; readonly recordStarts: RecordStarts } | null;
  /** Null where metrics are exported nowhere. */
  readonly metrics: MetricsPlan | null;
  /** Null where log records are exported nowhere. */
  readonly logs: LogsPlan | null;
  readonly propagators: readonly Propagator[];
  readonly instrumentations: {
    /** Short names (`express`, `pg`, `aws-sdk`…) that alone are wanted, or null for the default set. */
    readonly only: readonly string[] | null;
    readonly disabled: readonly string[];
    /** Options as auto-instrumentations-node takes them, by short name. */
    readonly options: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly expressLayers: ExpressLayers;
  };
  readonly redact: RedactPlan;
  readonly verbosity: 'quiet' | 'normal' | 'verbose';
}

/** What is redacted besides the built-in rules, and what of them is not. */
export interface RedactPlan {
  /** Names of query parameters, headers, options and attributes. */
  readonly names: readonly string[];
  /** Keys of attributes, `*` for any characters. */
  readonly attributes: readonly string[];
  /** Regular expressions; what they find is redacted wherever it stands. */
  readonly patterns: readonly string[];
  /** Names and keys, `*` for any characters, that the built-in lists leave. */
  readonly keep: readonly string[];
}

export type HandOffPlan =
  | {
      readonly kind: 'spool';
      /** Absolute path of the directory that segments are written to: the run's spool, or one inside it. */
      readonly dir: string;
      readonly capBytes: number;
      /** A file the exporter writes lines into that the application's first process should say on stderr; null where the launcher itself speaks. */
      readonly noticeFile: string | null;
    }
  | { readonly kind: 'in-process'; readonly destinations: readonly Destination[]; readonly batch: BatchPlan };

/** The proxy on the way to a backend. */
export interface ProxyPlan {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** `user:password`. A secret: never printed, never kept. */
  readonly credentials?: string;
  /** The environment variable that names it. */
  readonly variable: string;
}

export interface OtlpDestination {
  readonly kind: 'otlp';
  /** In the config file's `destinations`; undefined for that of the settings `otlp`. */
  readonly name?: string;
  readonly signal: SignalName;
  readonly protocol: 'grpc' | 'http/protobuf' | 'http/json';
  /**
   * HTTP: the whole URL of the signal (`…/v1/traces`). gRPC: `http://host:port` or `https://host:port` (scheme decides on TLS).
   * Both: `unix:///path/of/a.sock`.
   */
  readonly url: string;
  /** Lower-case names. Values may be secrets: never printed, never kept. */
  readonly headers: Readonly<Record<string, string>>;
  /** Absolute paths of the files that hold some of them: read again while the run lasts. */
  readonly headerFiles?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly compression: 'gzip' | 'none';
  /** Absent where the way leads straight to the backend. */
  readonly proxy?: ProxyPlan;
  /** Paths of PEM files. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** Of metrics; undefined = as {@link ExporterPlan.metrics} says. */
  readonly temporality?: 'cumulative' | 'delta';
  /** `drop` where nobody configured this backend (localhost by default): counted, no state, no noise. */
  readonly undelivered: 'keep' | 'drop';
}

export type Destination =
  | OtlpDestination
  /** Items as text on stderr. */
  | { readonly kind: 'console'; readonly signal: SignalName }
  /** A page of metrics for Prometheus to scrape. */
  | { readonly kind: 'prometheus'; readonly signal: 'metrics'; readonly host: string; readonly port: number }
  /** Trace trees live on stderr (`--print`). */
  | { readonly kind: 'print' }
  /** The bounded local store that `otel-run traces` reads. */
  | { readonly kind: 'store'; readonly dir: string; readonly capBytes: number };

export interface BatchPlan {
  /** Milliseconds that an item waits for company at most (OTEL_BSP_SCHEDULE_DELAY). */
  readonly scheduleDelayMs: number;
  readonly maxItems: number;
}

/** What the exporter is told. May hold credentials: handed over by a pipe or as worker data, never by environment or file. */
export interface ExporterPlan {
  readonly version: 1;
  readonly run: string;
  /** Absolute path of the run's spool directory. */
  readonly spool: string;
  /** Bound on all segments together, as the agents keep it. */
  readonly spoolBytes: number;
  /** Where undelivered telemetry is kept (`$XDG_STATE_HOME/otel-run`), or null where no file system outlives the run. */
  readonly stateDir: string | null;
  /** Why nothing is kept of what could not be delivered, in half a sentence; null where it is. */
  readonly notKept: string | null;
  readonly serviceName: string | null;
  readonly environment: string | null;
  readonly destinations: readonly Destination[];
  readonly batch: BatchPlan;
  readonly metrics: { readonly intervalMs: number; readonly temporality: 'cumulative' | 'delta'; /** The exporter's metrics of itself go with them. */ readonly own: boolean };
  /** Milliseconds for the rest after the last writer has ended. */
  readonly drain: { readonly unreachedMs: number; readonly badMs: number };
  /** See {@link HandOffPlan}; null where lines go to the supervisor's caller. */
  readonly noticeFile: string | null;
  /** What an exporter had to say when nobody listened any more, for the next run with this backend: in the first of these that can be written. */
  readonly lastWordsFiles: readonly string[];
  /** Pid of the application's first process where the exporter must find out by itself when it ends. */
  readonly root: { readonly pid: number; readonly start: string | null } | null;
  /** By destination, chunks at the start of each segment that another exporter of this run had settled when it handed over. */
  readonly settled?: readonly Readonly<Record<string, number>>[];
  /** Not for an application: to send what is kept, and to end. */
  readonly errand?: 'send-kept';
  readonly verbosity: AgentPlan['verbosity'];
}

export interface LaunchPlan {
  readonly topology: 'replace' | 'parent' | 'in-process' | 'off';
  /** Whether otel-run becomes the command, or starts it and waits for its end. */
  readonly start: 'become' | 'wait';
  /** One sentence without a full stop: why this topology. */
  readonly reason: string;
  readonly command: LaunchCommand;
  /** The whole environment of the application. */
  readonly env: Readonly<Record<string, string>>;
  readonly agent: AgentPlan | null;
  readonly exporter: ExporterPlan | null;
  /** By how much later the first SIGTERM reaches the application. */
  readonly termDelayMs: number;
}

export interface LaunchCommand {
  /** Absolute path of the executable. */
  readonly file: string;
  /** Arguments behind it, untouched. */
  readonly args: readonly string[];
  /** What the user typed as the command, for messages and argv[0]. */
  readonly name: string;
  /** The program is Node itself: `node` or a script that names it in its first line. */
  readonly isNode: boolean;
}
