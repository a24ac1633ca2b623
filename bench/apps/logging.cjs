// Usage: node bench/apps/logging.cjs. As server.cjs, with a line of pino for each request, to nowhere.
const { createRequire } = require('node:module');
const load = createRequire(require.resolve('../peers/app/package.json'));
const express = load('express');
const pino = load('pino');

const log = pino(pino.destination('/dev/null'));
const app = express();
app.get('/users/:id', (req, res) => {
  log.info({ user: req.params.id }, 'user asked for');
  res.json({ id: req.params.id });
});
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
