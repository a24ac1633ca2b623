/**
 * What the user put into NODE_OPTIONS is for the application, and Node has applied it to us, too. Here goes what can
 * be undone: the inspector gives its port back, coverage is not written. What cannot: a file that `--require` or
 * `--import` names has run, `--inspect-brk` has stopped us, `--cpu-prof` and its like write a profile of a launcher
 * that waits, and heap sizes hold.
 */
export function shedNodeOptions(env: Readonly<Record<string, string | undefined>>): void {
  if (env.NODE_OPTIONS?.includes('--inspect') === true) process.getBuiltinModule('node:inspector').close();
  if ((env.NODE_V8_COVERAGE ?? '') !== '') process.getBuiltinModule('node:v8').stopCoverage();
}
