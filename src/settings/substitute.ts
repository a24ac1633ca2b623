import type { Env } from './types.ts';

export interface Substituted {
  readonly text: string;
  /** Variables that were named, set or not. */
  readonly names: readonly string[];
  /** Those that are not set and have no default. */
  readonly unset: readonly string[];
  /** The first `${…}` that is no reference, or null. */
  readonly wrong: string | null;
}

/**
 * `${VAR}`, `${env:VAR}`, `${VAR:-default}` and `$$` as in OpenTelemetry's declarative configuration: once, from left
 * to right, never in what was put in. An empty variable is unset. (The bound keeps the search from growing with
 * the square of a text that opens and never closes.)
 * https://opentelemetry.io/docs/specs/otel/configuration/data-model/#environment-variable-substitution
 */
export function substitute(text: string, env: Env): Substituted {
  const names: string[] = [];
  const unset: string[] = [];
  let wrong: string | null = null;
  const result = text.replace(/\$\$|\$\{([^}\n]{0,1000})\}/g, (reference: string, inner: string | undefined) => {
    if (inner === undefined) return '$';
    const [, name, fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/.exec(inner) ?? [];
    if (name === undefined) {
      wrong ??= reference;
      return reference;
    }
    names.push(name);
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    if (fallback === undefined) unset.push(name);
    return fallback ?? '';
  });
  return { text: result, names, unset, wrong };
}
