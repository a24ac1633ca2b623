// Every copy makes a span within that of the one before; then each says which span it finds active, and from which
// trace it would call somebody.
const copies = Object.keys(require('./package.json').dependencies).map((name) => ({ name, ...require(name) }));

copies[0].diag.setLogger({ error: console.log, warn: console.log, info() {}, debug() {}, verbose() {} }, copies[0].DiagLogLevel.WARN);
const nest = ([copy, ...inner]) => {
  if (copy === undefined) return setTimeout(look, 5);
  const { context, trace } = copy;
  const span = trace.getTracer(copy.name).startSpan(copy.name);
  context.with(trace.setSpan(context.active(), span), () => nest(inner));
  span.end();
};
const look = () => {
  const active = copies.map(({ context, trace }) => trace.getSpan(context.active())?.spanContext().spanId);
  const headers = copies.map(({ context, propagation }) => {
    const carrier = {};
    propagation.inject(context.active(), carrier);
    return carrier.traceparent;
  });
  console.log(JSON.stringify({ active, headers }));
};
nest(copies);
