require('dd-trace').init({ flushInterval: 50 });
require('../asks-itself.cjs')(require('node:http'), () => new Promise((resolve) => setTimeout(resolve, 300)));
