import type { Redactor } from './redact.ts';

/** As a tracer, meter or logger names itself. */
export interface Scope {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

/** The application says all three. */
export function redactScope({ name, version, schemaUrl }: Scope, redactor: Redactor): Scope {
  return {
    name: redactor.text(String(name)),
    ...(version && { version: redactor.text(String(version)) }),
    ...(schemaUrl && { schemaUrl: redactor.text(String(schemaUrl)) }),
  };
}
