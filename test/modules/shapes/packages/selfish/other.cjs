module.exports = { name: require.resolve('selfish'), paths: require.resolve.paths('x') };
