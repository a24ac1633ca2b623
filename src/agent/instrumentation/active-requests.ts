import { ValueType, type Attributes, type Meter } from '@opentelemetry/api';

/** Requests of one kind that are on their way: counted in a number, which costs nothing beside an instrument. */
export interface Active {
  readonly attributes: Attributes;
  count: number;
}

/** One more of the kind that these attributes make; whoever is done takes it off `count`. */
export type Enter = (attributes: Attributes) => Active;

/** https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ */
export function countActive(meter: Meter, name: string, description: string): Enter {
  const actives = new Map<string, Active>();
  meter.createObservableUpDownCounter(name, { unit: '{request}', description, valueType: ValueType.INT }).addCallback((result) => {
    for (const [key, { attributes, count }] of actives) {
      result.observe(count, attributes);
      // It has been told; an application may call more hosts than are to be remembered.
      if (count === 0) actives.delete(key);
    }
  });
  return (attributes) => {
    const key = Object.values(attributes).join(' ');
    let active = actives.get(key);
    if (active === undefined) actives.set(key, (active = { attributes, count: 0 }));
    active.count++;
    return active;
  };
}

/** Of a request to a server, without what the server may be asked for. */
export function clientAttributes({ 'http.request.method': method, 'server.address': address, 'server.port': port }: Attributes): Attributes {
  return { 'http.request.method': method, 'server.address': address, 'server.port': port };
}

export const CLIENT = ['http.client.active_requests', 'Number of active HTTP requests.'] as const;
