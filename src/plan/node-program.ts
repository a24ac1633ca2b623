/** Extensions of files that `otel-run <file>` takes for a script of Node's. */
const scriptExtension = /\.[cm]?[jt]s$/;

export function isScriptName(name: string): boolean {
  return scriptExtension.test(name);
}

/**
 * Whether a program is Node itself, or a script whose first line names it. `head` is the start of the file:
 * what a script says about itself counts more than its name (a shim named `node` may be a shell script).
 */
export function isNodeProgram(file: string, head: string): boolean {
  const interpreter = interpreterOf(head);
  return isNodeName(interpreter ?? file);
}

/** The program that a `#!` line names, through `env` where it is used, or null. */
export function interpreterOf(head: string): string | null {
  if (!head.startsWith('#!')) return null;
  const words = head.slice(2).split('\n', 1)[0]!.trim().split(/\s+/);
  const [program = '', ...rest] = words;
  if (baseName(program) !== 'env') return program;
  return rest.find((word) => !word.startsWith('-') && !/^\w+=/.test(word)) ?? program;
}

function isNodeName(file: string): boolean {
  return /^node(?:js)?(?:-?\d[\d.]*)?(?:\.exe)?$/i.test(baseName(file));
}

function baseName(file: string): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}
