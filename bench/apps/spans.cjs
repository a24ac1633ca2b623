// spans.cjs <life> <spans>: finishes so many spans, 20 begun a turn, each open for `life`; prints microseconds of CPU per span.
const { trace } = require('@opentelemetry/api');
const [life, spans] = process.argv.slice(2);
const tracer = trace.getTracer('bench');
const attributes = { 'http.request.method': 'GET', 'url.path': '/users/17', 'server.address': 'localhost', 'server.port': 8080, 'http.response.status_code': 200 };
const begin = () => tracer.startSpan('GET /users/:id', { kind: 1, attributes });

async function play(count) {
  const open = [];
  for (let begun = 0; begun < count || open.length > 0; ) {
    const now = performance.now();
    for (let i = 0; i < 20 && begun < count; i++, begun++) {
      const span = begin();
      if (life === 'turn') span.end();
      else open.push({ span, until: life === 'next' ? 0 : now + Number(life) });
    }
    // Long lives are paced, that no more than two thousand are open.
    const isPaced = Number(life) > 0;
    await (isPaced ? new Promise((resolve) => setTimeout(resolve, Number(life) / 80)) : new Promise(setImmediate));
    let ended = 0;
    for (const time = performance.now(); ended < open.length && open[ended].until <= time; ended++) open[ended].span.end();
    open.splice(0, ended);
  }
}

(async () => {
  const count = Number(life) >= 100 ? Math.min(Number(spans), 20000) : Number(spans);
  await play(Math.min(count, 5000));
  const from = process.cpuUsage();
  await play(count);
  const { user, system } = process.cpuUsage(from);
  console.log((user + system) / count);
})();
