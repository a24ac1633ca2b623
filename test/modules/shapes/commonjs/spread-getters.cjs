module.exports = { ...require('./getters.cjs'), ...require('./interop.cjs') };
