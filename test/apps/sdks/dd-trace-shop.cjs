require('dd-trace').init({ flushInterval: 50 });
require('../asks-shop.cjs')(require('../express5/node_modules/express'), () => new Promise((resolve) => setTimeout(resolve, 300)));
