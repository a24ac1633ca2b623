module.exports = require('./throws.cjs');
