import type { Attributes, Meter } from '@opentelemetry/api';
import { CLIENT, clientAttributes, countActive, type Active } from './active-requests.ts';

interface Record {
  readonly attributes: Attributes;
}

/** What of the instrumentation is ours to know (0.33, bundled): it puts each request that it follows there, and takes it out when it is over. */
interface UndiciInstrumentation {
  readonly meter: Meter;
  _recordFromReq: Pick<WeakMap<object, Record>, 'get' | 'set' | 'delete'>;
}

/** Counts requests by fetch and undici. */
export function countUndiciRequests(target: object): void {
  const instrumentation = target as UndiciInstrumentation;
  const enter = countActive(instrumentation.meter, ...CLIENT);
  const records = instrumentation._recordFromReq;
  const counted = new WeakMap<object, Active>();
  instrumentation._recordFromReq = {
    get: (request) => records.get(request),
    set(request, record) {
      // Of a connection that is handed over (a WebSocket's) no end is told.
      if ((request as { readonly upgrade?: unknown }).upgrade === undefined || (request as { readonly upgrade?: unknown }).upgrade === null) counted.set(request, enter(clientAttributes(record.attributes)));
      records.set(request, record);
      return records as WeakMap<object, Record>;
    },
    delete(request) {
      const active = counted.get(request);
      if (active !== undefined) active.count--;
      counted.delete(request);
      return records.delete(request);
    },
  };
}
