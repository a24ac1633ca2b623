module.exports = { file: 'deep/a' };
