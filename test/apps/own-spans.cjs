// A server whose handler makes spans of its own and calls itself once more, asked from outside with a context.
// Usage: node api19/own-spans.cjs; prints the headers that the inner request carried.
const { createServer, get } = require('node:http');
const { connect } = require('node:net');

module.exports = function ownSpans(api) {
  const server = createServer((req, res) => {
    if (req.url === '/inner') {
      const { traceparent, tracestate, baggage } = req.headers;
      console.log(JSON.stringify({ traceparent, tracestate, baggage }));
      return res.end();
    }
    const inner = (done) => get({ port: server.address().port, path: '/inner', agent: false }, (response) => response.resume().on('end', done));
    if (api === undefined) return inner(() => res.end());
    api.trace.getTracer('shop', '1.2.3').startActiveSpan('outer', { attributes: { 'test.n': 1 } }, (outer) => {
      setTimeout(() => {
        const { active, with: within } = { active: api.context.active(), with: api.context.with.bind(api.context) };
        const child = api.trace.getTracer('shop').startSpan('child', { kind: api.SpanKind.PRODUCER });
        child.addEvent('packed', { boxes: 2 });
        child.setStatus({ code: api.SpanStatusCode.ERROR, message: 'too heavy' });
        within(api.trace.setSpan(active, child), () =>
          inner(() => {
            child.end();
            outer.end();
            res.end();
          }),
        );
      }, 5);
    });
  });
  // Raw, so that no client span stands in between.
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    const headers = ['traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'tracestate: vendor=x', 'baggage: user=ada'];
    connect(port, '127.0.0.1', function () {
      this.write(`GET /outer HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers.join('\r\n')}\r\n\r\n`);
    })
      .on('close', () => server.close())
      .resume();
  });
};
