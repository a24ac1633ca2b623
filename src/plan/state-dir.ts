type Env = Readonly<Record<string, string | undefined>>;

/** Where otel-run keeps what outlives a run, or null without a home. A relative path is none, says the XDG specification. */
export function findStateDir(env: Env): string | null {
  const state = env.XDG_STATE_HOME ?? '';
  if (state.startsWith('/')) return `${state}/otel-run`;
  const home = env.HOME ?? '';
  return home.startsWith('/') ? `${home}/.local/state/otel-run` : null;
}

/** Where the traces of runs without a backend are kept, for `otel-run traces`. */
export function traceStoreDir(stateDir: string): string {
  return `${stateDir}/traces`;
}

/** What an exporter whose application had ended could not say any more, for the next run that sends to `url`. */
export function lastWordsFile(dir: string, url: string): string {
  const { host, pathname } = new URL(url);
  return `${dir}/last-words/${encodeURIComponent(host + pathname)}`;
}
