'use strict';

const express = require('express');

const ORDERS = new Map([
  ['1', { id: 1, customer: 'Ada', skus: ['mug'] }],
  ['2', { id: 2, customer: 'Grace', skus: ['mug', 'teapot'] }],
  ['3', { id: 3, customer: 'Linus', skus: ['lamp'] }],
]);
const STOCK = new Map([
  ['mug', 12],
  ['teapot', 3],
]);

const app = express();

app.get('/orders/:id', async (req, res) => {
  const order = ORDERS.get(req.params.id);
  if (!order) {
    res.status(404).json({ error: `no order ${req.params.id}` });
    return;
  }
  const stock = await Promise.all(order.skus.map((sku) => fetchStock(sku)));
  res.status(stock.every((item) => item.known) ? 200 : 502).json({ ...order, stock });
});

app.get('/stock/:sku', (req, res) => {
  const left = STOCK.get(req.params.sku);
  if (left === undefined) {
    res.status(503).json({ error: `${req.params.sku} is being counted` });
    return;
  }
  res.json({ sku: req.params.sku, left });
});

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`shop listening on ${origin()}`);
});

process.once('SIGTERM', () => server.close());
process.once('SIGINT', () => server.close());

async function fetchStock(sku) {
  const response = await fetch(`${origin()}/stock/${sku}`);
  const { left } = await response.json();
  return { sku, known: response.ok, left };
}

function origin() {
  return `http://127.0.0.1:${server.address().port}`;
}
