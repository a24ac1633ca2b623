import { readFileSync } from 'node:fs';

/** Id of the container that this process runs in, from cgroup v1 paths or v2 mounts, or null. */
export function findContainerId(): string | null {
  return fromCgroup(read('/proc/self/cgroup')) ?? fromMounts(read('/proc/self/mountinfo'));
}

export function fromCgroup(text: string): string | null {
  return /\/(?:[^/\n]*[-:])?([0-9a-f]{64})(?:\.scope)?(?:\n|$)/.exec(text)?.[1] ?? null;
}

/** On cgroup v2 the path is `/`; the engine's bind mounts of hostname and resolv.conf hold the id. */
export function fromMounts(text: string): string | null {
  return /\/(?:containers|sandboxes|overlay-containers)\/([0-9a-f]{64})\/[^\n]*\/etc\/(?:hostname|hosts|resolv\.conf)/.exec(text)?.[1] ?? null;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
