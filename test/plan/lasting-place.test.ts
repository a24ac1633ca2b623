import { expect, test } from 'vitest';
import { whyNotLasting } from '../../src/plan/lasting-place.ts';

/** As containers show it: Docker, Podman, Kubernetes; a virtual machine that only looks like one. */
const docker = String.raw`712 627 0:66 / / rw,relatime master:262 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A:/var/lib/docker/overlay2/l/B,upperdir=/var/lib/docker/overlay2/c/diff
713 712 0:69 / /proc rw,nosuid - proc proc rw
714 712 0:70 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k
716 714 0:65 / /dev/shm rw,nosuid - tmpfs shm rw,size=65536k
720 712 259:1 /var/lib/docker/volumes/state/_data /var/lib/otel\040run rw,relatime master:1 - ext4 /dev/nvme0n1p1 rw
721 712 259:1 /home/me/app /app rw,relatime - ext4 /dev/nvme0n1p1 rw
722 721 0:80 / /app/tmp rw - tmpfs tmpfs rw`;
const kubernetes = String.raw`1820 1705 0:351 / / rw,relatime - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1/fs
1830 1820 259:1 /var/lib/kubelet/pods/0a1b/volumes/kubernetes.io~empty-dir/state /state rw,relatime - xfs /dev/nvme0n1p1 rw
1831 1820 0:349 / /run/secrets/kubernetes.io/serviceaccount ro,relatime - tmpfs tmpfs rw
1832 1820 0:360 / /memory rw,relatime - tmpfs tmpfs rw`;
const podman = String.raw`1 0 0:50 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw
2 1 8:1 /home/me/.local/share/containers/storage/volumes/state/_data /state rw - ext4 /dev/sda1 rw`;
const btrfs = '1 0 0:33 /@/var/lib/docker/btrfs/subvolumes/0a1b / rw - btrfs /dev/sda2 rw';
const machine = '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n30 27 0:27 / /dev/shm rw - tmpfs tmpfs rw';

test.each<[what: string, dir: string, mountinfo: string, why: RegExp | null]>([
  ["docker's own layer", '/root/.local/state/otel-run', docker, /^\/root\/.local\/state\/otel-run is in the container's own file system \(overlay\)$/],
  ['a volume, its mount point with a blank', '/var/lib/otel run/kept', docker, null],
  ['the mount point itself', '/app', docker, null],
  ['a neighbour of a mount point', '/app2/state', docker, /overlay/],
  ['memory below a volume', '/app/tmp/state', docker, /in memory \(tmpfs\)/],
  ["kubernetes' own layer", '/home/node/.local/state/otel-run', kubernetes, /overlay/],
  ['an emptyDir outlives the container', '/state/otel-run', kubernetes, null],
  ['an emptyDir in memory', '/memory/otel-run', kubernetes, /tmpfs/],
  ['rootless podman', '/root/.local/state/otel-run', podman, /fuse-overlayfs/],
  ['a volume of podman', '/state', podman, null],
  ["docker's btrfs driver", '/root', btrfs, /btrfs/],
  ['a file system of its own', '/root/.local/state/otel-run', machine, null],
  ['nobody can tell', '/root', '', null],
])('%s', (_, dir, mountinfo, why) => {
  if (why === null) expect(whyNotLasting(dir, mountinfo)).toBeNull();
  else expect(whyNotLasting(dir, mountinfo)).toMatch(why);
});
