import { encodeScope } from '../encode/span.ts';
import type { Redactor } from '../redact/redact.ts';
import { redactScope, type Scope } from '../redact/scope.ts';
import type { HandOff } from './hand-off.ts';

export interface Scopes {
  /** The number of a scope in this process's segments. One object is one scope. */
  numberOf(scope: Scope): number;
}

/** A frame numbers scopes with 16 bits. Who makes tracers by the thousand loses their names, not their spans. */
const MAX_SCOPES = 4096;
const MANY_SCOPES: Scope = { name: 'otel-run: more scopes than can be told apart' };

export function createScopes(handOff: Pick<HandOff, 'defineScope'>, redactor: Redactor): Scopes {
  const numbers = new Map<Scope, number>();
  return {
    numberOf(given) {
      const scope = numbers.size < MAX_SCOPES ? given : MANY_SCOPES;
      let number = numbers.get(given) ?? numbers.get(scope);
      if (number === undefined) numbers.set(scope, (number = handOff.defineScope(encodeScope(redactScope(scope, redactor)))));
      return number;
    },
  };
}
