module.exports = { file: 'node' };
