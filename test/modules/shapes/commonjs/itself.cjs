const { filename, id, path, loaded, parent, children, paths, exports: own } = module;
module.exports = {
  id, filename, path, loaded, parent: parent?.id, children: children.length, paths, isExports: own === exports, isThis: own === this,
  keys: Reflect.ownKeys(module).map(String), proto: Object.getPrototypeOf(module) === require('module').prototype,
  main: require.main?.id, isMain: require.main === module, requireKeys: Reflect.ownKeys(require).map(String),
  cached: require.cache[__filename] === module, dirname: __dirname, args: arguments.length,
  loadedAs: JSON.stringify(Object.getOwnPropertyDescriptor(module, 'loaded')),
  stack: new Error('here').stack, callee: arguments.callee.name, text: require.toString(),
};
