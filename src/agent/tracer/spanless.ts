import { INVALID_SPAN_CONTEXT, context, trace, type Context, type Span, type SpanOptions, type Tracer } from '@opentelemetry/api';

const noSpan = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

// In our own copy of the API, which the instrumentations make their spans active by: whoever else traces has a span
// there that the application may want to add to.
const { setSpan } = trace;
trace.setSpan = (at, span) => (span === noSpan ? at : setSpan(at, span));

/** Makes no spans, and to make one of those active changes nothing. */
export const spanless: Tracer = {
  startSpan: () => noSpan,
  startActiveSpan<F extends (span: Span) => unknown>(_name: string, ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]): ReturnType<F> {
    const fn = rest.at(-1) as F;
    return (rest.length > 2 ? context.with(rest[1] as Context, fn as (span: Span) => ReturnType<F>, undefined, noSpan) : fn(noSpan)) as ReturnType<F>;
  },
};
