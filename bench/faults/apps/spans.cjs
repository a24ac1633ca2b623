// Numbered spans through whichever tracer this run has: OpenTelemetry's API, or dd-trace's own. Runs under plain node as well.
'use strict';
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');

const { FAULTS_DD: ddTrace, FAULTS_NOTES: notes } = process.env;
const start = ddTrace === undefined ? startOtel() : startDd(require(ddTrace));
let number = 0;

function startOtel() {
  const tracer = require('@opentelemetry/api').trace.getTracer('faults');
  return (name, attributes) => tracer.startSpan(name, { attributes });
}

function startDd(tracer) {
  return (name, attributes) => {
    const span = tracer.startSpan(name, { tags: attributes });
    return { end: () => span.finish() };
  };
}

/** Finishes spans from..to, with `attributes` besides the number. */
exports.finishFrom = (from, to, attributes) => {
  for (let n = from; n <= to; n++) start(`span ${n}`, { ...attributes, 'test.n': n }).end();
};
exports.finish = (count, attributes) => exports.finishFrom(number + 1, (number += count), attributes);
/** Finishes one span under a name of its own. */
exports.finishNamed = (name) => start(name, { 'test.n': ++number }).end();

/** Notes for who measures, where nobody else looks: stdout and stderr are compared. */
exports.note = (name, text) => {
  if (notes) writeFileSync(join(notes, name), String(text));
};
/** From here on the program only ends. */
exports.ending = () => exports.note('ending', Date.now());
/** Everything has been handed over when the turn is over; then whoever waits for the word may strike. */
exports.ready = () => {
  setTimeout(() => {
    exports.note('pid', process.pid);
    console.log('ready');
  }, 20);
};
