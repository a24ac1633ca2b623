import { getEnvironmentData, isMainThread } from 'node:worker_threads';

/** The script that this process was started with; a worker thread asks what the guard of the main thread left. */
export function mainScript(): string | undefined {
  if (isMainThread) return process.argv[1];
  const main = getEnvironmentData('otel-run.main') as { readonly script?: unknown } | undefined;
  return typeof main?.script === 'string' ? main.script : undefined;
}
