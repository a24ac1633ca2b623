import type { TextMapPropagator } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Propagator } from '../../plan/types.ts';
import { boundPropagator } from './limits.ts';

/** One propagator that extracts and injects in the order given. Those that few use are loaded when named. */
export function createPropagator(names: readonly Propagator[]): TextMapPropagator {
  return boundPropagator(new CompositePropagator({ propagators: names.map((name) => makers[name]()) }));
}

export interface SwitchedPropagator extends TextMapPropagator {
  /** From then on nothing is read and nothing is written. */
  turnOff(): void;
}

export function createSwitch(propagator: TextMapPropagator): SwitchedPropagator {
  let current = propagator;
  return {
    inject: (...args) => current.inject(...args),
    extract: (...args) => current.extract(...args),
    fields: () => current.fields(),
    turnOff() {
      current = new CompositePropagator();
    },
  };
}

const makers: Record<Propagator, () => TextMapPropagator> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => b3('SINGLE_HEADER'),
  b3multi: () => b3('MULTI_HEADER'),
  jaeger: () => new (require('@opentelemetry/propagator-jaeger') as typeof import('@opentelemetry/propagator-jaeger')).JaegerPropagator(),
  xray: () => new (require('@opentelemetry/propagator-aws-xray') as typeof import('@opentelemetry/propagator-aws-xray')).AWSXRayPropagator(),
  ottrace: () => new (require('@opentelemetry/propagator-ot-trace') as typeof import('@opentelemetry/propagator-ot-trace')).OTTracePropagator(),
};

function b3(encoding: 'SINGLE_HEADER' | 'MULTI_HEADER'): TextMapPropagator {
  const { B3InjectEncoding, B3Propagator } = require('@opentelemetry/propagator-b3') as typeof import('@opentelemetry/propagator-b3');
  return new B3Propagator({ injectEncoding: B3InjectEncoding[encoding] });
}
