// http is loaded, and patched by whoever wants it, before the tracer.
const http = require('node:http');
require('dd-trace').init({ flushInterval: 50 });
require('../asks-itself.cjs')(http, () => new Promise((resolve) => setTimeout(resolve, 300)));
