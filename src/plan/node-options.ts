/**
 * NODE_OPTIONS for the application: our preload in front of what is there, which stays as it is, byte for byte.
 * In front, because a file that the user preloads may already load libraries. A preload that is named already
 * (otel-run inside otel-run) is not named twice.
 */
export function mergeNodeOptions(existing: string | undefined, preload: string): string {
  const ours = `--require ${quoteNodeOption(preload)}`;
  if (existing === undefined || existing.trim() === '') return ours;
  return preloads(existing).includes(preload) ? existing : `${ours} ${existing}`;
}

/** Files that NODE_OPTIONS preloads by `--require`, in any of its spellings. */
export function preloads(nodeOptions: string): string[] {
  const words = splitNodeOptions(nodeOptions);
  return words.flatMap((word, index) => {
    if (word === '--require' || word === '-r') return words[index + 1] ?? [];
    return word.startsWith('--require=') ? word.slice('--require='.length) : [];
  });
}

/** The words that Node makes of NODE_OPTIONS: https://github.com/nodejs/node/blob/main/src/node_options.cc, ParseNodeOptionsEnvVar. */
export function splitNodeOptions(text: string): string[] {
  const words: string[] = [];
  let quoted = false;
  let between = true;
  for (let at = 0; at < text.length; at++) {
    let char = text[at]!;
    if (char === '\\' && quoted) char = text[++at] ?? '';
    else if (char === ' ' && !quoted) {
      between = true;
      continue;
    } else if (char === '"') {
      quoted = !quoted;
      continue;
    }
    if (between) words.push(char);
    else words[words.length - 1] += char;
    between = false;
  }
  return words;
}

/** Outside quotes Node splits at spaces alone and takes a backslash literally; inside them a backslash escapes. */
function quoteNodeOption(word: string): string {
  return /[ "]/.test(word) ? `"${word.replace(/[\\"]/g, '\\$&')}"` : word;
}
