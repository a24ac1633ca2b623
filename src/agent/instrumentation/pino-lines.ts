import type { Callable } from './wrap.ts';

type Level = number;
type Bag = Record<PropertyKey, unknown>;
interface Pino extends Bag {
  (...args: unknown[]): Bag;
  readonly symbols: Readonly<Record<'asJsonSym' | 'hooksSym', symbol | undefined>>;
  multistream: unknown;
}
/** The sender of the instrumentation, which parses what pino has made. */
interface Sender {
  lastLevel: Level;
  _write(line: string, encoding: string, callback: () => void): void;
}
interface Definition {
  name: string;
  patch?: (exports: Bag, version?: string) => unknown;
}

/**
 * The instrumentation puts a `multistream` in the place of the logger's stream to send from there. That one has no `flush`
 * and is no SonicBoom: what the application says to its stream would reach nobody. Here the stream stays, and the lines are
 * read where the logger makes them.
 */
export function readLines(instrumentation: object): void {
  const { _modules } = instrumentation as { readonly _modules: readonly Definition[] };
  for (const definition of _modules) {
    const { patch } = definition;
    if (patch === undefined) continue;
    definition.patch = (exports, version) => {
      const isNamespace = exports[Symbol.toStringTag] === 'Module';
      const pino = (isNamespace ? exports['default'] : exports) as Pino;
      const patched = patch.call(definition, withoutMultistream(pino) as Bag, version) as Pino;
      patched.multistream = pino.multistream;
      if (!isNamespace) return patched;
      if (exports['pino'] !== undefined) exports['pino'] = patched;
      exports['default'] = patched;
      return patched;
    };
  }
}

/** To the instrumentation it is pino: the sender that it makes for a new logger comes to us. */
function withoutMultistream(pino: Pino): unknown {
  let logger: Bag = {};
  const multistream = ([{ stream }, { stream: sender }]: readonly [{ readonly stream: unknown }, { readonly stream: Sender }]) => {
    sendLines(logger, pino.symbols, sender);
    return stream;
  };
  const standIn = (...args: unknown[]) => (logger = pino(...args));
  return Object.assign(standIn, pino, typeof pino.multistream === 'function' ? { multistream } : {});
}

const followed = new WeakSet<Bag>();

/** Children inherit both. A hook on what is written has the last word: it may take out what nobody should read. */
function sendLines(logger: Bag, { asJsonSym, hooksSym }: Pino['symbols'], sender: Sender): void {
  const asJson = asJsonSym === undefined ? undefined : logger[asJsonSym];
  if (asJsonSym === undefined || typeof asJson !== 'function' || followed.has(logger)) return;
  followed.add(logger);
  const hooks = (hooksSym === undefined ? undefined : logger[hooksSym]) as Bag | undefined;
  const hook = hooks?.['streamWrite'];
  let level: Level = 0;

  const send = (line: unknown, of: Level): void => {
    sender.lastLevel = of;
    try {
      sender._write(line as string, 'utf8', () => {});
    } catch {
      // The application's own line is written.
    }
  };
  if (hooksSym !== undefined && typeof hook === 'function') {
    logger[hooksSym] = {
      ...hooks,
      streamWrite(this: unknown, ...args: unknown[]) {
        const of = level;
        const line = (hook as Callable).apply(this, args);
        send(line, of);
        return line;
      },
    };
  }
  logger[asJsonSym] = function (this: unknown, ...args: unknown[]) {
    const line = (asJson as Callable).apply(this, args);
    level = args[2] as Level;
    if (typeof hook !== 'function') send(line, level);
    return line;
  };
}
