/** What is kept, in words for its owner: how much, for which backend and service. */
import { basename } from 'node:path';
import type { SignalName } from '../plan/types.ts';
import { inWords } from './in-words.ts';
import { isExpired, keptFolders, listKept, readHeader } from './kept-files.ts';

/** What its files say of a destination; null where they do not. */
export interface KeptOwner {
  readonly endpoint: string | null;
  readonly protocol: string | null;
  readonly service: string | null;
  readonly environment: string | null;
}

export interface KeptGroup extends KeptOwner {
  /** The name of its folder: differs by credentials too. */
  readonly hash: string;
  readonly signal: SignalName;
  readonly items: number;
}

/** What could still be sent, of each destination. */
export function groupKept(stateDir: string): KeptGroup[] {
  return keptFolders(stateDir).flatMap((folder) => {
    const files = listKept(folder).filter((file) => !isExpired(file));
    return [...new Set(files.map(({ signal }) => signal))].map((signal): KeptGroup => {
      const own = files.filter((file) => file.signal === signal);
      const { endpoint = null, protocol = null, service = null, environment = null } = readHeader(own[0]!.path) ?? {};
      return { endpoint, protocol, service, environment, hash: basename(folder), signal, items: own.reduce((sum, { count }) => sum + count, 0) };
    });
  });
}

/** `4 spans are kept for http://h:4318/v1/traces (service shop, production)` */
export function describeKept({ items, signal, ...owner }: Pick<KeptGroup, 'items' | 'signal'> & KeptOwner): string {
  return `${inWords(items, signal)} ${items === 1 ? 'is' : 'are'} kept for ${nameOwner(owner)}`;
}

export function nameOwner({ endpoint, service, environment }: Omit<KeptOwner, 'protocol'>): string {
  const whose = [service === null ? null : `service ${service}`, environment].filter((part) => part !== null).join(', ');
  return `${endpoint ?? 'an unknown backend'}${whose === '' ? '' : ` (${whose})`}`;
}

/** The options that name the destination, but for its headers, which no file holds; null where they cannot be told. */
export function optionsFor({ endpoint, protocol, service, environment }: KeptOwner): string | null {
  const base = protocol === 'grpc' || endpoint?.startsWith('unix:') ? endpoint : /^(.*)\/v1\/(?:traces|metrics|logs)$/.exec(endpoint ?? '')?.[1];
  if (base === null || base === undefined) return null;
  const words = [
    ['--endpoint', base],
    ...(protocol === 'grpc' ? [['--protocol', 'grpc']] : []),
    ...(service === null ? [] : [['--service-name', service]]),
    ...(environment === null ? [] : [['--environment', environment]]),
  ];
  // Somebody will paste it into a shell.
  return words.map(([option, value]) => `${option} ${/^[\w@%+=:,./[\]-]+$/.test(value!) ? value : '…'}`).join(' ');
}
