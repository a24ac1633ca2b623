// Numbered spans, and beside them the application's own account of them: what is in it was finished, whoever dies next.
// One journal a thread: `S <from> <to>` were finished; `T <to>` the turn in which they were is over; `V` a violent end follows.
// Runs under plain node as well.
'use strict';
const { openSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { threadId } = require('node:worker_threads');
const { trace } = require('@opentelemetry/api');

const { SOAK_JOURNALS: dir = '/tmp', SOAK_STEP: step = '0' } = process.env;
const who = `${step}.${process.pid}.${threadId}`;
const tracer = trace.getTracer('soak');
let fd = -1;
let last = 0;
let isMarking = false;

function write(line) {
  if (fd < 0) fd = openSync(join(dir, who), 'a');
  writeSync(fd, `${line}\n`);
}

/** The name of the next number, for a span that somebody else finishes; `finished` says that it is. */
exports.claim = () => `${who}.${++last}`;
exports.finished = (name) => {
  const number = Number(name.split('.').at(-1));
  write(`S ${number} ${number}`);
  markTurn();
};

exports.finish = (count) => {
  const from = last + 1;
  for (let i = 0; i < count; i++) tracer.startSpan('work', { attributes: { 'soak.id': `${who}.${++last}` } }).end();
  write(`S ${from} ${last}`);
};

/** Like finish; the account says when the turn is over. Not from `exit` and `beforeExit`: it turns the loop. */
exports.finishInTurn = (count) => {
  exports.finish(count);
  markTurn();
};

exports.violent = () => write('V');

function markTurn() {
  if (isMarking) return;
  isMarking = true;
  setImmediate(() => {
    isMarking = false;
    write(`T ${last}`);
  });
}
