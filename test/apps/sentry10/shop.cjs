const Sentry = require('@sentry/node');

Sentry.init({ dsn: process.env.OWN_DSN, tracesSampleRate: 1, registerEsmLoaderHooks: false });
require('../asks-shop.cjs')(require('../express5/node_modules/express'), () => Sentry.flush(5000));
