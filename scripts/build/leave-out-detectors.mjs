/** The agent has resource detectors of its own; the stock ones load `crypto` at start (3 ms). */
export function leaveOutDetectors() {
  return {
    name: 'leave-out-detectors',
    setup(bundler) {
      bundler.onLoad({ filter: /@opentelemetry\/resources\/build\/src\/detectors\/index\.js$/ }, () => ({ contents: '', loader: 'js' }));
    },
  };
}
