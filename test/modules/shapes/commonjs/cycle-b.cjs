const a = require('./cycle-a.cjs');
exports.seenOfA = Object.keys(a);
exports.missing = a.nothing;
exports.done = a.done;
exports.a = () => a;
