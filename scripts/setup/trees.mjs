const DURATION = /\d(?:\.\d+)? ?(?:ns|µs|us|ms|s)\b/;

/** The trees that `--print` wrote, each as the lines of its spans: a tree begins with a line `trace <id>`, a span's line has a duration. */
export function splitTrees(text) {
  const trees = [];
  for (const line of text.split('\n')) {
    if (/^trace [0-9a-f]{32}\b/.test(line)) trees.push([]);
    else if (trees.length > 0 && !line.startsWith('otel-run:') && DURATION.test(line)) trees.at(-1).push(line);
  }
  return trees;
}
