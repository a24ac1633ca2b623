// Runs in the thread of Node's asynchronous import hooks, where Node has no synchronous ones that are fit.
import { announcing, type LoadResult } from './instrumentation/announce.ts';

let ends: readonly string[] = [];

export function initialize(data: readonly string[]): void {
  ends = data;
}

export async function load(url: string, context: object, next: (url: string, context: object) => Promise<LoadResult>): Promise<LoadResult> {
  return announcing(url, ends, await next(url, context));
}
