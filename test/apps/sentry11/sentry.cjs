const Sentry = require('@sentry/node');

Sentry.init({ dsn: process.env.OWN_DSN, tracesSampleRate: 1 });
require('../asks-itself.cjs')(require('node:http'), () => Sentry.flush(5000), () => `in a span that records: ${Sentry.getActiveSpan()?.isRecording()}`);
