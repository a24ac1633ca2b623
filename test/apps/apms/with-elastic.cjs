const apm = require('elastic-apm-node').start({ serverUrl: process.env.OWN_ENDPOINT, serviceName: 'its-own', logLevel: 'off', centralConfig: false, cloudProvider: 'none', metricsInterval: '0s', apiRequestTime: '1s' });
require('../asks-shop.cjs')(require('express'), () => apm.flush());
