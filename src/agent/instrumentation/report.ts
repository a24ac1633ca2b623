/** What became of one library that the application loaded. */
export interface LibraryReport {
  readonly module: string;
  readonly version: string | null;
  readonly baseDir: string;
  readonly instrumentation: string;
  state: 'patched' | 'out of range' | 'left out' | 'failed';
  /** Why it is not patched. */
  reason: string | null;
  /** The files that were handed to the instrumentation, relative to `baseDir`. */
  readonly files: string[];
}

export interface InstrumentationReport {
  /** Names of the instrumentations that were constructed. */
  readonly constructed: readonly string[];
  readonly libraries: readonly LibraryReport[];
}

/** Where the report of a process is found: a function that returns it. */
const REPORT = Symbol.for('otel-run.instrumentations');

export function publishReport(report: () => InstrumentationReport): void {
  Object.defineProperty(globalThis, REPORT, { value: report, configurable: true });
}

export function reasonOf(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n')[0] ?? '';
}
