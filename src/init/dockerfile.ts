/** What somebody has to add to a Dockerfile so that its application runs under otel-run; null where it names otel-run already. */
export interface DockerAdvice {
  /** Before the line of the final stage that switches to another user, or anywhere in it. */
  readonly install: string;
  /** Number of that line. */
  readonly before: number | null;
  /** Instead of the ENTRYPOINT, or as a new line. */
  readonly entrypoint: string;
  readonly replaces: { readonly line: number; readonly text: string } | null;
}

export function adviseOnDockerfile(text: string): DockerAdvice | null {
  const stage = finalStage(readInstructions(text));
  if (stage.some(({ rest }) => /\botel-run\b/.test(rest))) return null;
  const entrypoint = stage.findLast(({ name }) => name === 'ENTRYPOINT');
  const user = stage.find(({ name, rest }) => name === 'USER' && !/^(?:root|0)(?::|$)/.test(rest));
  return {
    install: 'RUN npm install --global otel-run',
    before: user?.line ?? null,
    entrypoint: `ENTRYPOINT ${wrap(entrypoint?.rest ?? '[]')}`,
    replaces: entrypoint === undefined ? null : { line: entrypoint.line, text: `ENTRYPOINT ${entrypoint.rest}` },
  };
}

interface Instruction {
  readonly name: string;
  readonly rest: string;
  readonly line: number;
}

/** Instructions with their continued lines joined; comments are left out, also between continued lines. */
function readInstructions(text: string): Instruction[] {
  const found: Instruction[] = [];
  const escape = /^\s*#\s*escape\s*=\s*`/im.test(text.slice(0, 200)) ? '`' : '\\';
  let open: { text: string; line: number } | null = null;
  let heredocEnd: string | null = null;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (heredocEnd !== null) {
      if (line.trim() === heredocEnd) heredocEnd = null;
      continue;
    }
    if (/^\s*#/.test(line) || (open !== null && line.trim() === '')) continue;
    const joined: { text: string; line: number } = open === null ? { text: line, line: at + 1 } : { text: `${open.text} ${line.trim()}`, line: open.line };
    open = joined.text.trimEnd().endsWith(escape) ? { ...joined, text: joined.text.trimEnd().slice(0, -1).trimEnd() } : null;
    const [, name, rest] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(joined.text) ?? [];
    if (open !== null || name === undefined || rest === undefined) continue;
    found.push({ name: name.toUpperCase(), rest: rest.trim(), line: joined.line });
    if (/^(?:RUN|COPY|ADD)$/i.test(name)) heredocEnd = /<<-?["']?(\w+)["']?/.exec(rest)?.[1] ?? null;
  }
  return found;
}

function finalStage(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM') + 1);
}

/** Docker runs the shell form by `/bin/sh -c`, and then ignores CMD. */
function wrap(entrypoint: string): string {
  const words = readWords(entrypoint) ?? ['/bin/sh', '-c', entrypoint];
  return `[${['otel-run', '--', ...words].map((word) => JSON.stringify(word)).join(', ')}]`;
}

function readWords(text: string): string[] | null {
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : null;
  } catch {
    return null;
  }
}
