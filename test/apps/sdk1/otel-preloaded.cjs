require('../asks-itself.cjs')(require('node:http'), globalThis.flushOwn);
