// Loaded, and switched off.
require('elastic-apm-node').start({ active: false, logLevel: 'off' });
require('../asks-shop.cjs')(require('express'), async () => {});
