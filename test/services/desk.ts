import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serviceNames, services } from './catalogue.ts';
import type { Addresses, ServiceName } from './catalogue.ts';
import { ServiceUnavailable } from './server.ts';
import type { Server, ServerFiles } from './server.ts';

/** A shared server as a test sees it: it cannot be stopped from there. */
export type SharedServer<Name extends ServiceName> = Addresses[Name] & ServerFiles & { readonly pid: number };

export type Desk = {
  readonly url: string;
  /** Stops every server that was started; resolves with the sentences on those that ended before. */
  close(): Promise<string[]>;
};

/**
 * The one process of a test run that starts servers, each at the first request
 * for it and only once: a server that ended stays ended, and whoever asks for it
 * again is told so. It listens on loopback, for the test workers.
 */
export async function openDesk(): Promise<Desk> {
  const started = new Map<ServiceName, Promise<Server<object>>>();
  const endings = new Map<ServiceName, string>();
  let isClosing = false;

  const startOnce = (name: ServiceName): Promise<Server<object>> => {
    const known = started.get(name);
    if (known) return known;
    const starting: Promise<Server<object>> = services[name].start();
    started.set(name, starting);
    starting.then(
      (server) => server.ended.then((ending) => isClosing || endings.set(name, `${name} ended during the run (${ending})`)),
      () => undefined,
    );
    return starting;
  };

  const http = createServer((request, response) => {
    const name = serviceNames.find((candidate) => request.url === `/${candidate}`);
    const answer = async (): Promise<[number, object]> => {
      if (!name || isClosing) return [404, { message: `there is no service ${request.url}` }];
      try {
        const { stop: _stop, ended: _ended, ...shared } = await startOnce(name);
        const ending = endings.get(name);
        return ending ? [410, { message: ending }] : [200, shared];
      } catch (error) {
        return [error instanceof ServiceUnavailable ? 503 : 500, { message: (error as Error).message }];
      }
    };
    void answer().then(([status, body]) => response.writeHead(status).end(JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: async () => {
      isClosing = true;
      http.close();
      http.closeAllConnections();
      const servers = await Promise.allSettled(started.values());
      await Promise.all(servers.map((server) => server.status === 'fulfilled' && server.value.stop()));
      return [...endings.values()];
    },
  };
}

/** Asks the desk for a server; rejects with the reason when it cannot be had or has ended. */
export async function requestServer<Name extends ServiceName>(deskUrl: string, name: Name): Promise<SharedServer<Name>> {
  const response = await fetch(`${deskUrl}/${name}`);
  const body = (await response.json()) as SharedServer<Name> & { message: string };
  if (response.ok) return body;
  throw response.status === 503 ? new ServiceUnavailable(body.message) : new Error(body.message);
}
