import { basename } from 'node:path';
import type { Origin, Problem, Resolved } from './types.ts';

export const DEFAULT_ORIGIN: Origin = { kind: 'default', name: '' };

/** For people: `--sampler`, `OTEL_TRACES_SAMPLER`, `otel-run.config.yaml:3:12 traces.sampler`, `default`. */
export function describeOrigin(origin: Origin): string {
  if (origin.kind !== 'file') return origin.kind === 'default' ? 'default' : origin.name;
  const place = [basename(origin.file ?? ''), origin.line, origin.column].filter((part) => part !== undefined).join(':');
  return origin.name === '' ? place : `${place} ${origin.name}`;
}

/** The order of sources: a smaller rank wins over a larger one. */
export function rankOrigin(origin: Origin): number {
  switch (origin.kind) {
    case 'flag':
      return 0;
    case 'env':
      return origin.name.startsWith('OTEL_RUN_') ? 1 : 2;
    case 'file':
      return 3;
    case 'project':
      return 4;
    case 'default':
      return 5;
  }
}

/** Where the user spoke, whether or not it was valid; null where nobody did. */
export function originGiven(resolved: Resolved<unknown>): Origin | null {
  const origin = resolved.rejected ?? resolved.origin;
  return origin.kind === 'default' ? null : origin;
}

/** The one that was given by the stronger source; `specific` where both are equal. */
export function pickStronger<T extends Resolved<unknown>, S extends Resolved<unknown>>(general: T, specific: S): T | S {
  return rankOrigin(specific.rejected ?? specific.origin) <= rankOrigin(general.rejected ?? general.origin) && originGiven(specific) !== null
    ? specific
    : general;
}

/** A problem whose line begins with its origin. */
export function problemAt(
  origin: Origin,
  text: string,
  details: { readonly severity?: Problem['severity']; readonly hint?: string | null; readonly strict?: boolean } = {},
): Problem {
  const { severity = 'warning', hint = null, strict = false } = details;
  return { severity, message: `${describeOrigin(origin)}: ${text}`, origin, hint, strict };
}

/** Of what is wrong in a config file, and is not used. */
export const FAULT = { severity: 'error', strict: true } as const;

/** The whole line for a person, without the prefix of the program. */
export function formatProblem(problem: Problem): string {
  return problem.hint === null ? problem.message : `${problem.message} (${problem.hint})`;
}

/** Foreign text fit for a line of ours: short, quoted, no control characters. */
export function quote(text: string, longest = 60): string {
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
  return `'${plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain}'`;
}

/** A path: long as it may be, it is to be copied. */
export function quotePath(path: string): string {
  return quote(path, 1000);
}
