module.exports = { ...require('./plain.cjs'), more: 3 };
