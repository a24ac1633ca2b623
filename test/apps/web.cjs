// Requests of every HTTP client to servers of its own, the good and the failed, one after the other.
// Usage: node main/web.cjs or node main/web.mjs, with CERT and KEY (PEM files) in the environment.
const { readFileSync } = require('node:fs');
const { once } = require('node:events');

module.exports = async function web({ http, https, request, axios, got }) {
  const seen = {};
  const answer = (req, res) => {
    const [, what, call] = req.url.split('/');
    seen[call] = req.headers.traceparent;
    if (what === 'echo') return res.end(call);
    if (what === 'fail') return res.writeHead(500).end();
    if (what === 'missing') return res.writeHead(404).end();
    if (what === 'cut') return void res.writeHead(200, { 'content-length': 100 }).write('x', () => res.destroy());
    if (what === 'hang') req.on('close', () => hung());
  };
  let hung;
  const hanging = new Promise((resolve) => (hung = resolve));

  const plain = http.createServer(answer).listen(0, '127.0.0.1');
  const cert = readFileSync(process.env.CERT);
  const secure = https.createServer({ cert, key: readFileSync(process.env.KEY) }, answer).listen(0, '127.0.0.1');
  await Promise.all([once(plain, 'listening'), once(secure, 'listening')]);
  const base = `http://127.0.0.1:${plain.address().port}`;
  const secureBase = `https://127.0.0.1:${secure.address().port}`;

  const finish = (outgoing) =>
    new Promise((resolve) => {
      outgoing.on('response', (response) => response.resume().on('error', () => {}).on('close', resolve));
      outgoing.on('error', resolve);
      outgoing.end();
    });
  const port = await closedPort(http);

  await finish(http.get(`${base}/echo/http.get`));
  await finish(request(`${base}/echo/request`));
  await finish(https.get(`${secureBase}/echo/https.get`, { ca: cert, rejectUnauthorized: false }));
  await (await fetch(`${base}/echo/fetch`)).text();
  await axios.get(`${base}/echo/axios`);
  await got(`${base}/echo/got`).text();
  await finish(http.get(`${base}/fail/status-500`));
  await finish(http.get(`${base}/missing/status-404`));
  await finish(http.get(`${base}/cut/cut`));
  await finish(http.get(`http://127.0.0.1:${port}/refused`));
  await fetch(`http://127.0.0.1:${port}/refused-fetch`).catch(() => {});
  const given = http.get(`${base}/hang/given-up`);
  given.on('error', () => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  given.destroy();
  await hanging;
  await finish(http.get(`${base}/echo/last`));

  plain.close();
  secure.close();
  plain.closeAllConnections();
  secure.closeAllConnections();
  console.log(JSON.stringify(seen));
};

async function closedPort(http) {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
