/**
 * A worker thread whose environment was made from nothing (`new Worker(file, { env: {} })`) has neither NODE_OPTIONS
 * nor our plan, so that the agent would not be there. It gets both, and the guard takes them out of its environment
 * again before anything of the application runs.
 */
import threads, { type WorkerOptions } from 'node:worker_threads';
import { join } from 'node:path';
import type { AgentPlan } from '../plan/types.ts';

/** Read by the guard. */
const HIDDEN = 'OTEL_RUN_HIDDEN';

export function reachWorkers(plan: AgentPlan): void {
  const preload = join(__dirname, 'register.js').replace(/[\\"]/g, '\\$&');
  const ours = { NODE_OPTIONS: `--require "${preload}"`, OTEL_RUN_PLAN: JSON.stringify(plan) };
  threads.Worker = new Proxy(threads.Worker, {
    construct: (Worker, [file, options, ...rest], subclass) => Reflect.construct(Worker, [file, withAgent(options, ours), ...rest], subclass) as object,
  });
}

/** Who names NODE_OPTIONS has said what the thread is to load. */
function withAgent(options: WorkerOptions | undefined, ours: Readonly<Record<string, string>>): WorkerOptions | undefined {
  const env: unknown = options?.env;
  if (typeof env !== 'object' || env === null || env === process.env || 'NODE_OPTIONS' in env) return options;
  const missing = Object.entries(ours).filter(([name]) => !(name in env));
  const names = missing.map(([name]) => name).join();
  return Object.create(options!, { env: { enumerable: true, value: { ...env, ...Object.fromEntries(missing), [HIDDEN]: names } } }) as WorkerOptions;
}
