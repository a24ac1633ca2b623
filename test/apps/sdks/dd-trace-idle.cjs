// Loaded, as a library may, and not started.
require('dd-trace');
require('../asks-itself.cjs')(require('node:http'), async () => {});
