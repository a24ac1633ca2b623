/** What a load hook of Node returns. */
export interface LoadResult {
  readonly format?: string | null | undefined;
  readonly source?: string | Uint8Array<ArrayBuffer> | null | undefined;
}

/** Under this symbol the agent waits, on the global object, for ES modules that announce themselves. */
export const ANNOUNCE = Symbol.for('otel-run.es-module');

/**
 * Gives an ES module whose URL ends as wanted a last line that hands its own namespace to the agent. The module
 * keeps its URL, its lines and its exports, and whoever imports it gets the module itself.
 */
export function announcing(url: string, ends: readonly string[], result: LoadResult): LoadResult {
  if (!ends.some((end) => url.endsWith(end)) || result.format !== 'module' || result.source == null) return result;
  const source = typeof result.source === 'string' ? result.source : new TextDecoder().decode(result.source);
  const self = JSON.stringify(url);
  const line = `import * as __otelRunSelf from ${self};globalThis[Symbol.for(${JSON.stringify(ANNOUNCE.description)})]?.(${self},__otelRunSelf);`;
  return { ...result, source: `${source}\n;${line}` };
}
