/**
 * The registration of ours at the place where every copy of `@opentelemetry/api` looks.
 *
 * A copy accepts a global of its own minor version or a higher one, and registers only over one of exactly its
 * own version that holds nothing of that kind. So ours shows a minor that none will pass, and when somebody
 * registers (they assign the global, readers do not) it shows the caller what the caller expects to find:
 * the application's own set-up succeeds as if we were not there, and is told to us.
 */
import type { ContextManager, MeterProvider, TextMapPropagator, TracerProvider } from '@opentelemetry/api';
import { callerApiVersion } from './caller-version.ts';

export type ApiKind = 'trace' | 'metrics' | 'context' | 'propagation';

export interface OwnApi {
  readonly trace?: TracerProvider;
  readonly metrics?: MeterProvider;
  readonly context: ContextManager;
  readonly propagation: TextMapPropagator;
}

const KEY = Symbol.for('opentelemetry.js.api.1');
const VERSION = '1.99.0';

/** `onTaken` is told once of each part that the application has registered itself, and with what. */
export function registerApi(own: OwnApi, onTaken: (kind: ApiKind, instance: unknown) => void): void {
  const kinds = (Object.keys(own) as ApiKind[]).filter((kind) => own[kind] !== undefined);
  const ours = new Set<ApiKind>(kinds);
  const shared: Record<string, unknown> = { version: VERSION, ...own };
  let isRegistering = false;

  const letRegister = (): void => {
    isRegistering = true;
    shared['version'] = callerApiVersion() ?? VERSION;
    for (const kind of ours) delete shared[kind];
  };
  /** At the first read after a registration: puts back what nobody took. */
  const settle = (): void => {
    isRegistering = false;
    shared['version'] = VERSION;
    for (const kind of [...ours]) {
      if (shared[kind] === undefined) {
        shared[kind] = own[kind];
        continue;
      }
      ours.delete(kind);
      onTaken(kind, shared[kind]);
    }
  };

  Object.defineProperty(globalThis, KEY, {
    configurable: true,
    enumerable: true,
    get() {
      if (isRegistering) settle();
      return shared;
    },
    set(value: unknown) {
      if (value === shared) return letRegister();
      // Somebody keeps an API of its own in our place altogether.
      Object.defineProperty(globalThis, KEY, { configurable: true, enumerable: true, writable: true, value });
      for (const kind of ours) onTaken(kind, (value as Partial<OwnApi> | null | undefined)?.[kind]);
      ours.clear();
    },
  });
}
