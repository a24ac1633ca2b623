module.exports = function build(a, b, c) {
  return new.target === undefined ? 'called' : this;
};
module.exports.version = '1';
Object.defineProperty(module.exports, 'hidden', { value: 1 });
module.exports.default = module.exports;
