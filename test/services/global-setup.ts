import type { TestProject } from 'vitest/node';
import { findNeededServices } from './needed.ts';
import { services } from './catalogue.ts';
import type { ServiceName } from './catalogue.ts';
import { openDesk } from './desk.ts';
import { ServiceUnavailable, sweepServerDirs } from './server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    services: {
      readonly url: string;
      /** What the machine cannot have, with the sentence that says why. */
      readonly unavailable: { readonly [Name in ServiceName]?: string };
      readonly isRequired: boolean;
    };
  }
}

/** Before a run: what the selected tests need is fetched and built. After it: every server is stopped. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  sweepServerDirs();
  const needed = findNeededServices(project.vitest.state.getPaths());
  const unavailable: { [Name in ServiceName]?: string } = {};
  await Promise.all(
    needed.map(async (name) => {
      try {
        await services[name].prepare();
      } catch (error) {
        if (!(error instanceof ServiceUnavailable)) throw error;
        unavailable[name] = error.message;
        console.log(`services: no ${name} for the tests that need it: ${error.message}`);
      }
    }),
  );
  const desk = await openDesk();
  project.provide('services', { url: desk.url, unavailable, isRequired: isSet(process.env.CI) });
  return async () => {
    const endings = await desk.close();
    if (endings.length > 0) throw new Error(endings.join('; '));
  };
}

function isSet(flag: string | undefined): boolean {
  return flag !== undefined && !['', '0', 'false'].includes(flag.toLowerCase());
}
