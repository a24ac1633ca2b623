exports.own = __filename;
exports.other = require('#other');
exports.self = () => require('selfish') === exports;
