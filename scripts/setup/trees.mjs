const BRANCHES = /^[\s│├└─┬╰╭┌|+`-]*/;
const DURATION = /\d(?:\.\d+)? ?(?:ns|µs|μs|us|ms|s)\b/;

/**
 * The trees that `--print` wrote, each as the lines of its spans. A span's line has a duration; a line that is
 * indented no further than the first span of a tree starts the next one.
 */
export function splitTrees(text) {
  const trees = [];
  let rootDepth = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('otel-run:') || !DURATION.test(line)) continue;
    const depth = BRANCHES.exec(line)[0].length;
    if (trees.length === 0 || depth <= rootDepth) {
      trees.push([]);
      rootDepth = depth;
    }
    trees.at(-1).push(line);
  }
  return trees;
}
