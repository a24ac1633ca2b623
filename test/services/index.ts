import { beforeAll, describe, inject } from 'vitest';
import type { ServiceName } from './catalogue.ts';
import { requestServer } from './desk.ts';
import type { SharedServer } from './desk.ts';

export { readLogs, readPoints, readSpans, waitForSpans } from './telemetry.ts';
export type { CollectedLog, CollectedPoint, ReceivedSpan } from './telemetry.ts';
export type { ServiceName, SharedServer };

/** The run's one server of that name, started at the first call for it. Shared: use names of your own in it. */
export function service<Name extends ServiceName>(name: Name): Promise<SharedServer<Name>> {
  return requestServer(inject('services').url, name);
}

/** What `describeWithServices` hands to its tests; a server is there once `beforeAll` has run. */
export type Servers<Name extends ServiceName> = { readonly [Key in Name]: SharedServer<Key> };

/**
 * A `describe` for tests that need real servers. Where one of them cannot be had
 * on this machine the tests are skipped, and the title says what is missing; with
 * CI set they fail with that sentence.
 */
export function describeWithServices<Name extends ServiceName>(
  title: string,
  names: readonly Name[],
  tests: (servers: Servers<Name>) => void,
): void {
  const { unavailable, isRequired } = inject('services');
  const missing = names.flatMap((name) => unavailable[name] ?? []);
  const servers: Partial<Record<Name, SharedServer<Name>>> = {};
  if (missing.length > 0 && !isRequired) {
    describe.skip(`${title} (${missing.join('; ')})`, () => tests(servers as Servers<Name>));
    return;
  }
  describe(title, () => {
    beforeAll(async () => {
      await Promise.all(names.map(async (name) => void (servers[name] = await service(name))));
    });
    tests(servers as Servers<Name>);
  });
}
