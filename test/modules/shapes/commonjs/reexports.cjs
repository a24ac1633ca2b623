// What TypeScript makes of `export *`.
Object.defineProperty(exports, '__esModule', { value: true });
for (const from of [require('./interop.cjs'), require('./plain.cjs')]) {
  for (const name of Object.keys(from)) {
    if (name !== 'default' && !Object.prototype.hasOwnProperty.call(exports, name)) Object.defineProperty(exports, name, { enumerable: true, get: () => from[name] });
  }
}
