// After http, as where it is set up by a file that is not the first to be imported.
import http from 'node:http';
import * as Sentry from '@sentry/node';
import asksItself from '../asks-itself.cjs';

Sentry.init({ dsn: process.env.OWN_DSN, tracesSampler: () => true });
await asksItself(http, () => Sentry.flush(5000));
