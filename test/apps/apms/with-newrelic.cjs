const newrelic = require('newrelic');
const { once } = require('node:events');

// Until the collector has answered it does not know whom it reports to, and writes no headers. What it waits for keeps no process alive.
const alive = setInterval(() => {}, 1000);
once(newrelic.agent, 'started')
  .then(() => require('../asks-shop.cjs')(require('express'), () => new Promise((resolve) => newrelic.shutdown({ collectPendingData: true, timeout: 5000 }, resolve))))
  .finally(() => clearInterval(alive));
