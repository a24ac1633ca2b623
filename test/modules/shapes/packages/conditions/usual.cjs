module.exports = { file: 'usual' };
