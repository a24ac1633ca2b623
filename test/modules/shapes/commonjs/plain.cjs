exports.b = 1;
exports.a = function first(x, y) {};
exports[Symbol.for('s')] = 2;
exports.default = 'the default';
