const { sep }: typeof import('node:path') = require('node:path');
module.exports = { sep };
console.log(module.exports, require('./strips.ts').value);
