// Usage: node server.cjs <handles|stays> <requests each 20 ms>
// An Express server, and a client of it in the same process: each request has its number in its path, and a span of its own inside.
// SIGTERM: `handles` answers what is under way, closes, and ends.
'use strict';
const { Agent, get } = require('node:http');
const express = require('../../apps/express5/node_modules/express');
const { claim, finishInTurn, finished } = require('./journal.cjs');

const [ending = 'handles', each = '2'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
let isClosing = false;

const server = express()
  .get('/soak/:name', (request, response) => {
    finishInTurn(1);
    // The server span ends when the response is closed.
    response.on('close', () => setImmediate(finished, request.params.name));
    response.send('ok');
  })
  .listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    const timer = setInterval(() => {
      if (isClosing) return clearInterval(timer);
      for (let i = 0; i < Number(each); i++) get({ port, host: '127.0.0.1', path: `/soak/${claim()}`, agent }, (response) => response.resume()).on('error', () => {});
    }, 20);
    console.log('ready');
  });
if (ending === 'handles') {
  process.on('SIGTERM', () => {
    isClosing = true;
    server.close();
    setTimeout(() => agent.destroy(), 100);
  });
}
