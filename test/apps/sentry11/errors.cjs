// For errors alone: it makes no spans.
const Sentry = require('@sentry/node');

Sentry.init({ dsn: process.env.OWN_DSN });
require('../asks-itself.cjs')(require('node:http'), () => {
  Sentry.captureException(new Error('on purpose'));
  return Sentry.flush(5000);
});
