// An Express application, asked for two orders from outside; each asks the stock of the same application by
// fetch and by http. Then calls `flush`, and says which headers each request carried: for a trace and a span in one,
// the how manieth that is.
const { once } = require('node:events');
const http = require('node:http');

module.exports = async function asksShop(express, flush) {
  const seen = [];
  const ids = [];
  const number = (value) => {
    const [, ...found] = /^(?:00-)?([0-9a-f]{32})-([0-9a-f]{16})\b/.exec(value) ?? [];
    for (const id of found) if (!ids.includes(id)) ids.push(id);
    return found.map((id) => `:${ids.indexOf(id)}`).join('');
  };
  const app = express();
  app.use((req, res, next) => {
    const names = Object.keys(req.headers).filter((name) => !/^(?:host|connection|accept.*|sec-.*|user-agent|content-length)$/.test(name));
    seen.push([req.url, ...names.sort().map((name) => name + number(req.headers[name]))].join(' '));
    next();
  });
  app.get('/orders/:order', async (req, res) => {
    const { port } = server.address();
    await (await fetch(`http://127.0.0.1:${port}/stock/${req.params.order}?by=fetch`)).text();
    res.json(await ask(port, `/stock/${req.params.order}?by=http`));
  });
  app.get('/stock/:item', (req, res) => void res.json('3'));

  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Raw, so that nobody's client stands in between.
  for (const order of ['one', 'two']) await askRaw(server.address().port, `/orders/${order}`);
  server.close();
  server.closeAllConnections();
  await flush();
  console.log(seen.join('\n'));
};

function ask(port, path) {
  return new Promise((resolve, reject) => {
    http.get({ port, path, host: '127.0.0.1', agent: false }, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject);
  });
}

function askRaw(port, path) {
  return new Promise((resolve, reject) => {
    const socket = require('node:net').connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`));
    socket.on('error', reject).on('close', resolve).resume();
  });
}
