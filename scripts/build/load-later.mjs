import { basename, join, relative, resolve } from 'node:path';

/**
 * Keeps what the launcher imports only now and then out of its file: each `import('./x.ts')` becomes a module of its
 * own in `later/`. The command line that runs an application then loads one file, where shared chunks would make it ten.
 */
export function loadLater(root, found) {
  return {
    name: 'load-later',
    setup(bundler) {
      bundler.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const file = relative(root, resolve(resolveDir, path));
        const name = join('later', basename(file).replace(/\.[cm]?ts$/, ''));
        if ((found[name] ??= file) !== file) throw new Error(`${file} and ${found[name]} would both become ${name}.js`);
        return { path: `./${name}.js`, external: true };
      });
    },
  };
}
