require('./syntax.cjs');
