interface Mount {
  readonly point: string;
  readonly root: string;
  readonly type: string;
  readonly source: string;
}

/** Gone with the container: memory, and the layer that a container writes on top of its image. */
const IN_MEMORY = new Set(['tmpfs', 'ramfs', 'rootfs']);
const LAYERS = new Set(['overlay', 'aufs', 'fuse.fuse-overlayfs', 'unionfs']);
/** Drivers that give a container a file system of the host's own kind name themselves in where it comes from. */
const OF_A_CONTAINER = /docker|containerd|containers\/storage|kataShared/;

/**
 * Why what a container writes to `dir` does not outlive it, or null where it does: on a volume. `mountinfo` is the text of
 * /proc/self/mountinfo (https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html).
 */
export function whyNotLasting(dir: string, mountinfo: string): string | null {
  const mount = findMount(dir, mountinfo);
  if (mount === null) return null;
  if (IN_MEMORY.has(mount.type)) return `${dir} is in memory (${mount.type})`;
  const isLayer = LAYERS.has(mount.type) || (mount.point === '/' && (OF_A_CONTAINER.test(mount.root) || OF_A_CONTAINER.test(mount.source)));
  return isLayer ? `${dir} is in the container's own file system (${mount.type})` : null;
}

/** The last one of those with the longest mount point: it hides the others. */
function findMount(dir: string, mountinfo: string): Mount | null {
  let found: Mount | null = null;
  for (const line of mountinfo.split('\n')) {
    const [before = '', behind] = line.split(' - ');
    const [, , , root, point] = before.split(' ').map(unescape);
    const [type, source] = (behind ?? '').split(' ').map(unescape);
    if (root === undefined || point === undefined || type === undefined || source === undefined) continue;
    const holds = point === '/' || dir === point || dir.startsWith(`${point}/`);
    if (holds && (found === null || point.length >= found.point.length)) found = { point, root, type, source };
  }
  return found;
}

/** Blanks and the like stand there in octal. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
