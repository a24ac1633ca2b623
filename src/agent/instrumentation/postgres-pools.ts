import { ValueType, type Attributes, type Meter } from '@opentelemetry/api';

/** What of `pg-pool` is told to everybody. */
interface Pool {
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
  readonly ended?: boolean;
  readonly ending?: boolean;
  readonly options: { readonly host?: string; readonly port?: string | number; readonly database?: string; readonly connectionString?: string; readonly max?: number };
}

interface State {
  used: number;
  idle: number;
  pending: number;
  max: number;
}

/**
 * Asks the pools themselves, once a snapshot. The instrumentation adds up what changes, in one sum for all pools, whose
 * figures run into each other, and does not see requests that begin to wait.
 * https://opentelemetry.io/docs/specs/semconv/db/database-metrics/
 */
export function followPools(target: object): void {
  const instrumentation = target as { readonly meter: Meter; _setPoolConnectEventListeners(pool: Pool): void; recordOperationDuration(): void };
  const { meter } = instrumentation;
  const known = new WeakSet<Pool>();
  // Not held: an application may drop a pool without ending it.
  const pools = new Map<WeakRef<Pool>, string>();

  instrumentation._setPoolConnectEventListeners = (pool) => {
    if (known.has(pool)) return;
    known.add(pool);
    pools.set(new WeakRef(pool), nameOf(pool));
  };

  // Durations come from the spans (operation-durations.ts), which know how an operation failed.
  instrumentation.recordOperationDuration = () => {};

  const states = new Map<string, State>();
  const look = (): void => {
    for (const name of states.keys()) states.set(name, { used: 0, idle: 0, pending: 0, max: 0 });
    for (const [reference, name] of pools) {
      const pool = reference.deref();
      let state = states.get(name);
      if (state === undefined) states.set(name, (state = { used: 0, idle: 0, pending: 0, max: 0 }));
      if (pool === undefined || pool.ended === true) {
        pools.delete(reference);
        continue;
      }
      state.used += pool.totalCount - pool.idleCount;
      state.idle += pool.idleCount;
      state.pending += pool.waitingCount;
      if (pool.ending !== true) state.max += pool.options.max ?? 0;
    }
  };

  const counter = (name: string, unit: string, description: string) => meter.createObservableUpDownCounter(name, { unit, description, valueType: ValueType.INT });
  const count = counter('db.client.connection.count', '{connection}', 'The number of connections that are currently in state described by the state attribute.');
  const pending = counter('db.client.connection.pending_requests', '{request}', 'The number of current pending requests for an open connection.');
  const max = counter('db.client.connection.max', '{connection}', 'The maximum number of open connections allowed.');
  meter.addBatchObservableCallback((result) => {
    look();
    for (const [name, state] of states) {
      const attributes: Attributes = { 'db.client.connection.pool.name': name };
      result.observe(count, state.used, { ...attributes, 'db.client.connection.state': 'used' });
      result.observe(count, state.idle, { ...attributes, 'db.client.connection.state': 'idle' });
      result.observe(pending, state.pending, attributes);
      result.observe(max, state.max, attributes);
    }
  }, [count, pending, max]);
}

/** `server.address:server.port/db.namespace`, as the conventions have it where a pool has no name. */
function nameOf({ options }: Pool): string {
  const url = parse(options.connectionString);
  const host = options.host ?? (url?.hostname || process.env.PGHOST) ?? 'localhost';
  const port = options.port ?? (url?.port || process.env.PGPORT) ?? 5432;
  const database = options.database ?? (url?.pathname.slice(1) || process.env.PGDATABASE) ?? 'unknown_database';
  return `${host}:${port}/${database}`;
}

function parse(url: string | undefined): URL | null {
  try {
    return url === undefined ? null : new URL(url);
  } catch {
    return null;
  }
}
