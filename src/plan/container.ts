/** What shows that this process is in a container, or null. */
export function findContainer(env: Readonly<Record<string, string | undefined>>, pid: number, exists: (path: string) => boolean): string | null {
  for (const file of ['/.dockerenv', '/run/.containerenv']) if (exists(file)) return file;
  for (const name of ['KUBERNETES_SERVICE_HOST', 'container']) if ((env[name] ?? '') !== '') return name;
  return pid === 1 ? 'pid 1' : null;
}
