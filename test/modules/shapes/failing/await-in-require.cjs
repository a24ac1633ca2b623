require('../mixed/awaits.mjs');
