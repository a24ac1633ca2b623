try {
  exports.value = Object.keys(require('./cycle.mjs'));
} catch (error) {
  exports.value = [error.code, error.message];
}
