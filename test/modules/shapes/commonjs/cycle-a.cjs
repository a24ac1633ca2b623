exports.early = 'a';
exports.seen = { ...require('./cycle-b.cjs') };
exports.done = true;
