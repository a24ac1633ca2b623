import { countActiveRequests } from './http-active.ts';
import { unitsOfKafka } from './kafka-units.ts';
import { followPools } from './postgres-pools.ts';
import { countUndiciRequests } from './undici-active.ts';

/** What an instrumentation measures, made whole: once it has a meter, and only then. */
export function measureInstrumentation(name: string, instrumentation: object): void {
  measures[name]?.(instrumentation);
}

const measures: Readonly<Record<string, (instrumentation: object) => void>> = {
  http: countActiveRequests,
  kafkajs: unitsOfKafka,
  pg: followPools,
  undici: countUndiciRequests,
};
