// Usage: node bench/apps/server.cjs. An Express application of three routes; says its port when it listens.
const { createRequire } = require('node:module');
const express = createRequire(require.resolve('../peers/app/package.json'))('express');

const app = express();
app.use(express.json());
app.get('/users/:id', (req, res) => res.json({ id: req.params.id }));
app.get('/health', (_req, res) => res.sendStatus(200));
const server = app.listen(0, '127.0.0.1', () => process.stdout.write(`listening on ${server.address().port}\n`));
