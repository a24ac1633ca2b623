// http is loaded, and patched by whoever wants it, before the SDK is set up, which then patches it as well.
require('node:http');
const flush = require('../own-sdk.cjs')(require);
const { trace } = require('@opentelemetry/api');
require('../asks-itself.cjs')(require('node:http'), flush, () => `in a span that records: ${trace.getActiveSpan()?.isRecording()}`);
