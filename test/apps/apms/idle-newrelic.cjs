// Loaded, and switched off by the environment.
require('newrelic');
require('../asks-shop.cjs')(require('express'), async () => {});
