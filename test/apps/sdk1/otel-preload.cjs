// For --require: sets up OpenTelemetry, as people do.
globalThis.flushOwn = require('../own-sdk.cjs')(require);
