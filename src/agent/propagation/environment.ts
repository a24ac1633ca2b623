import { ROOT_CONTEXT, trace, type Context, type TextMapGetter, type TextMapPropagator } from '@opentelemetry/api';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The context that whoever started this process hands on in its environment (TRACEPARENT, TRACESTATE, BAGGAGE):
 * https://opentelemetry.io/docs/specs/otel/context/env-carriers/. A variable that is called BAGGAGE by chance is not
 * sent on to others: without a trace there is no context.
 */
export function contextOfEnvironment(propagator: TextMapPropagator, env: Env): Context {
  const context = propagator.extract(ROOT_CONTEXT, env, variables);
  return trace.getSpanContext(context) === undefined ? ROOT_CONTEXT : context;
}

const variables: TextMapGetter<Env> = {
  get: (env, key) => env[key.toUpperCase().replace(/[^A-Z0-9_]/g, '_')],
  keys: (env) => Object.keys(env),
};
