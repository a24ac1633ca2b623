const flush = require('../own-sdk.cjs')(require);
require('../asks-itself.cjs')(require('node:http'), flush);
