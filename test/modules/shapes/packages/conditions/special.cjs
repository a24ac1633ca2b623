module.exports = { file: 'special' };
