// Three requests to a server of its own, one after the other, each within nothing. Then calls `flush`, and says what
// the server got, and what `look` saw there.
const { once } = require('node:events');

module.exports = async function asksItself(http, flush, look = () => '') {
  const seen = [];
  const server = http
    .createServer((request, response) => {
      seen.push(Object.keys(request.headers).filter((name) => !/^(?:host|connection)$/.test(name)).sort().concat(look()).join(' ').trim());
      response.end('ok');
    })
    .listen(0, '127.0.0.1');
  await once(server, 'listening');
  for (const path of ['/one', '/two', '/three']) {
    await new Promise((resolve, reject) => {
      http.get({ host: '127.0.0.1', port: server.address().port, path, agent: false }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
  }
  server.close();
  await flush();
  console.log(JSON.stringify(seen));
};
