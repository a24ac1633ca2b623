import type { Instrumentation, InstrumentationConfig } from '@opentelemetry/instrumentation';

/** One instrumentation and what it patches, known without loading it. */
export interface InstrumentationEntry {
  /** Short name, as settings use it. */
  readonly name: string;
  readonly version: string;
  readonly offByDefault: boolean;
  readonly modules: readonly PatchedModule[];
  readonly load: () => InstrumentationConstructor;
}

export interface PatchedModule {
  readonly name: string;
  readonly builtin: boolean;
  readonly ranges: readonly string[];
  /** The file that the package's name leads to is patched. */
  readonly main: boolean;
  /** Further files that are patched, relative to the package's folder. */
  readonly files: readonly string[];
}

export type InstrumentationConstructor = new (config: InstrumentationConfig) => Instrumentation;
