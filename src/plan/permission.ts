import { splitNodeOptions } from './node-options.ts';

/**
 * Whether Node's permission model keeps this command from reading files of `dir`: before 22.15 Node does not even
 * start then, where NODE_OPTIONS names one of them. https://nodejs.org/api/permissions.html
 */
export function isHiddenByPermission(nodeOptions: string, args: readonly string[], dir: string): boolean {
  const script = args.findIndex((word) => !word.startsWith('-'));
  const words = [...splitNodeOptions(nodeOptions), ...(script < 0 ? args : args.slice(0, script))];
  if (!words.some((word) => word === '--permission' || word === '--experimental-permission')) return false;
  const readable = words.flatMap((word, index) => {
    if (word === '--allow-fs-read') return [words[index + 1] ?? args[script] ?? ''];
    return word.startsWith('--allow-fs-read=') ? word.slice('--allow-fs-read='.length).split(',') : [];
  });
  return !readable.some((path) => (path.endsWith('*') ? dir.startsWith(path.slice(0, -1)) : dir === path || dir.startsWith(`${path.replace(/\/$/, '')}/`)));
}
