require('./requires-missing.cjs');
