module.exports = { file: 'require' };
