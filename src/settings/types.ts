import type { ExpressLayers, LogsPlan, OtlpDestination, SamplerPlan, SignalName, SpanLimitsPlan } from '../plan/types.ts';
import type { SettingKey, ValueOf } from './table.ts';

/** Where a value comes from. `name` is the flag (`--sampler`), the variable, the key in the file, or empty. */
export interface Origin {
  readonly kind: 'flag' | 'env' | 'file' | 'project' | 'default';
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface Resolved<T> {
  readonly value: T;
  readonly origin: Origin;
  /** Where an invalid value stood that this (default) value replaces. */
  readonly rejected?: Origin;
  /** Of a map: where each entry comes from. */
  readonly parts?: Readonly<Record<string, Origin>>;
  /** Of headers: the files that some of them were read from. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Problem {
  /** `error`: something that was asked for does not hold. `warning`: it may not be what was meant. `note`: for `--verbose` and `--dry-run`. */
  readonly severity: 'error' | 'warning' | 'note';
  /** A whole line without the prefix: origin, what is wrong, what holds instead. */
  readonly message: string;
  readonly origin: Origin;
  /** What to do: the nearest valid word, the right form. */
  readonly hint: string | null;
  /** `--strict` refuses to start. */
  readonly strict: boolean;
}

/** What the user asked for, by the names of flags without dashes (`service-name`, `no-instrument`, `print`). */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
export type Env = Readonly<Record<string, string | undefined>>;

/** One resolved value for each setting of the table, by key. */
export type SettingValues = { readonly [K in SettingKey]: Resolved<ValueOf<K>> };

/** Where a signal goes by OTLP, by the rules of the OTLP exporter specification. */
export interface OtlpSettings {
  /** Ready to be handed to the exporter; null where an invalid protocol or endpoint has switched sending off. */
  readonly destination: OtlpDestination | null;
  /** Why `destination` is null, in half a sentence. */
  readonly reason: string | null;
  /**
   * Whether anybody asked for a backend: an endpoint, a protocol, headers or the exporter `otlp` by name.
   * Where nobody did, the destination is localhost and what cannot be delivered is dropped.
   */
  readonly configured: boolean;
  /** Where the endpoint comes from. */
  readonly origin: Origin;
}

/** Every setting of a run, each with its origin. Holds credentials: print {@link Row}s, never this. */
export interface Settings {
  readonly values: SettingValues;

  /** Null: each process finds its own (the package that holds its main script). */
  readonly serviceName: Resolved<string | null>;
  readonly serviceVersion: Resolved<string | null>;
  /** `deployment.environment.name`. */
  readonly environment: Resolved<string | null>;
  /** All further attributes, `deployment.environment.name` among them. */
  readonly resource: Readonly<Record<string, Resolved<string>>>;
  /** Null: the default set. */
  readonly detectors: Resolved<readonly string[] | null>;
  readonly sampler: Resolved<SamplerPlan>;
  readonly limits: SpanLimitsPlan;
  readonly logLimits: LogsPlan['limits'];
  readonly expressLayers: Resolved<ExpressLayers>;
  readonly instrumentationOptions: Resolved<Readonly<Record<string, Readonly<Record<string, unknown>>>>>;
  readonly verbosity: Resolved<'quiet' | 'normal' | 'verbose'>;
  /** True: `--wait`; false: `OTEL_RUN_WAIT=false` asks for replace even in a container; null: the rule decides. */
  readonly wait: Resolved<boolean | null>;
  /** `OTEL_SDK_DISABLED=true`: settings are checked, then the command runs as without us. */
  readonly disabled: Resolved<boolean>;
  readonly otlp: Readonly<Record<SignalName, OtlpSettings>>;
  /** Further ones, of the signals that are exported by OTLP. */
  readonly destinations: readonly OtlpDestination[];

  /** Names of environment variables that hold credentials of the backend: for no process of the application. */
  readonly credentials: readonly string[];
  /** The config file that was read, or null. */
  readonly file: string | null;
  readonly problems: readonly Problem[];
}

/** A line of `--dry-run`: fit to be shown, whatever it holds. */
export interface Row {
  readonly setting: string;
  readonly value: string;
  readonly origin: string;
}
