// http is loaded, and patched by whoever wants it, before the SDK is set up.
const http = require('node:http');
const flush = require('../own-sdk.cjs')(require);
require('../asks-itself.cjs')(http, flush);
