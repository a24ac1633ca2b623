require('./server.mjs');
