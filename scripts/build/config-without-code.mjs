/**
 * Leaves cosmiconfig's own loaders out of the bundle: they run code (`.js`, `.ts`) and bring TypeScript, 3.5 MB.
 * Ours read data alone.
 */
export function configWithoutCode() {
  return {
    name: 'config-without-code',
    setup(bundler) {
      bundler.onLoad({ filter: /[\\/]cosmiconfig[\\/]dist[\\/]loaders\.js$/ }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
    },
  };
}
