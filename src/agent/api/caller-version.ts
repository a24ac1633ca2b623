import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFoundFile } from '../../spool/plain-file.ts';

/**
 * Version of the copy of `@opentelemetry/api` whose registration is running: from the package that holds the
 * calling file, or from the text of a bundle. Null where neither tells.
 */
export function callerApiVersion(): string | null {
  const place = callerPlace();
  if (place === null) return null;
  return packageVersion(place.file) ?? bundledVersion(place.file, place.line, place.column);
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The nearest frame outside this file's own bundle. */
function callerPlace(): Place | null {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = 10;
    Error.prepareStackTrace = (_, frames) => frames;
    Error.captureStackTrace(holder, callerPlace);
    const frames = holder.stack as NodeJS.CallSite[];
    const own = frames[0]?.getFileName();
    const frame = frames.find((one) => one.getFileName() !== own && !one.getFileName()?.startsWith('node:'));
    const name = frame?.getFileName();
    if (frame === undefined || typeof name !== 'string') return null;
    const file = name.startsWith('file:') ? fileURLToPath(name) : name;
    return { file, line: frame.getLineNumber() ?? 1, column: frame.getColumnNumber() ?? 1 };
  } catch {
    return null;
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function packageVersion(file: string): string | null {
  for (let dir = dirname(file), above = dirname(dir); dir !== above; dir = above, above = dirname(dir)) {
    try {
      const manifest = JSON.parse(readFoundFile(join(dir, 'package.json')).toString('utf8')) as { name?: unknown; version?: unknown };
      if (manifest.name === '@opentelemetry/api' && typeof manifest.version === 'string') return manifest.version;
      if (manifest.name !== undefined) return null;
    } catch {
      continue; // no package.json here
    }
  }
  return null;
}

/** In a bundle the version stands as a string before the code that registers, or in the comparison itself. */
function bundledVersion(file: string, line: number, column: number): string | null {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const before = `${lines.slice(0, line - 1).join('\n')}\n${lines[line - 1]!.slice(0, column)}`;
    const behind = [lines[line - 1]!.slice(column), ...lines.slice(line, line + 20)].join('\n').slice(0, 2000);
    const inlined = /version\s*!==?\s*["'`](1\.\d+\.\d+)["'`]/.exec(behind);
    const declared = [...before.matchAll(/["'`](1\.\d+\.\d+)["'`]/g)].at(-1);
    return inlined?.[1] ?? declared?.[1] ?? null;
  } catch {
    return null;
  }
}
