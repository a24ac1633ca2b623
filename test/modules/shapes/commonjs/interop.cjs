Object.defineProperty(exports, '__esModule', { value: true });
exports.default = { is: 'default' };
exports.named = 1;
