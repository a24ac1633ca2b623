// A backend that only counts, in a process of its own: OTLP/HTTP protobuf on /v1/*, and the agent protocol of
// dd-trace (which says the number of traces in a header). Prints its port; answers GET /counts.
import { createServer } from 'node:http';
import { gunzipSync } from 'node:zlib';

const counts = { spans: 0, serverSpans: 0, requests: 0, bytes: 0 };
const SERVER = 2;

createServer((request, response) => {
  if (request.url === '/counts') return response.end(JSON.stringify(counts));
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    let body = Buffer.concat(chunks);
    if (request.headers['content-encoding'] === 'gzip') body = gunzipSync(body);
    counts.requests++;
    counts.bytes += body.length;
    if (request.url.endsWith('/v1/traces')) countSpans(body);
    counts.serverSpans += Number(request.headers['x-datadog-trace-count'] ?? 0);
    response.setHeader('content-type', request.headers['content-type'] ?? 'text/plain');
    response.end(request.url.startsWith('/v0.') ? '{"rate_by_service":{"service:,env:":1}}' : '');
  });
}).listen(0, '127.0.0.1', function () {
  process.stdout.write(`listening on ${this.address().port}\n`);
});

/** Walks ExportTraceServiceRequest.resource_spans(1).scope_spans(2).spans(2).kind(6). */
function countSpans(body) {
  for (const resource of fields(body, 1)) {
    for (const scope of fields(resource, 2)) {
      for (const span of fields(scope, 2)) {
        counts.spans++;
        if (fields(span, 6)[0] === SERVER) counts.serverSpans++;
      }
    }
  }
}

function fields(bytes, wanted) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varint();
    const type = tag & 7;
    let value;
    if (type === 0) value = varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else {
      const length = varint();
      value = bytes.subarray(at, (at += length));
    }
    if (tag >>> 3 === wanted) found.push(value);

    function varint() {
      let result = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        result += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return result;
      }
    }
  }
  return found;
}
