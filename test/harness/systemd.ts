/** A systemd that runs services as it does on a machine: as process 1 of namespaces of its own, in a control group of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const program = '/usr/lib/systemd/systemd';

/** Reaches nothing of the machine's: no network, no /run, no settings of the kernel, no /etc to write to. */
const namespaces = ['--mount', '--uts', '--ipc', '--net', '--cgroup', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** It takes root, unified control groups, and a kernel that lets them be mounted. */
export const hasSystemd = existsSync(program) && canSeparate();

export interface Service {
  readonly command: string;
  /** Lines of its section `[Service]`. */
  readonly settings: readonly string[];
}

/**
 * Starts all services, waits until `isOver` says so of what they have written, and stops those that still run.
 * Each finds the file to write to in RESULTS, and its own name in NAME.
 */
export async function runServices(services: Readonly<Record<string, Service>>, isOver: (results: string) => boolean, timeoutMs: number): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'systemd-'));
  const results = join(dir, 'results');
  const over = join(dir, 'over');
  const read = (): string => (existsSync(results) ? readFileSync(results, 'utf8') : '');
  try {
    writeUnits(dir, services, results, over);
    const child = spawn('unshare', apart(dir, become(dir)), { stdio: 'ignore', detached: true });
    const deadline = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), timeoutMs);
    const looking = setInterval(() => isOver(read()) && writeFileSync(over, ''), 50);
    await once(child, 'close');
    clearTimeout(deadline);
    clearInterval(looking);
    return read();
  } finally {
    remove(dir);
  }
}

function canSeparate(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'systemd-'));
  const { status } = spawnSync('unshare', apart(dir, 'true'));
  remove(dir);
  return status === 0;
}

/** Arguments of `unshare`, for a shell's words that are to run in the namespaces, and in a control group named after the directory. */
function apart(dir: string, words: string): string[] {
  const groups = join(dir, 'groups');
  const own = join(groups, basename(dir));
  const enter = `mkdir -p ${groups} && mount -t cgroup2 none ${groups} && mkdir ${own} && echo $$ > ${own}/cgroup.procs`;
  return ['--mount', 'sh', '-c', `${enter} && exec unshare ${namespaces.join(' ')} sh -c '${words}'`];
}

/** The directory, and the control group of its name. */
function remove(dir: string): void {
  const groups = join(dir, 'groups');
  spawnSync('unshare', ['--mount', 'sh', '-c', `mount -t cgroup2 none ${groups} && find ${groups}/${basename(dir)} -depth -type d -exec rmdir {} +`]);
  rmSync(dir, { recursive: true, force: true });
}

function writeUnits(dir: string, services: Readonly<Record<string, Service>>, results: string, over: string): void {
  const units = join(dir, 'units');
  mkdirSync(units);
  const names = Object.keys(services);
  const header = '[Unit]\nDefaultDependencies=no\n';
  writeFileSync(join(units, 'all.target'), `${header}Wants=end.service ${names.map((name) => `${name}.service`).join(' ')}\n`);
  const stop = `until [ -e ${over} ]; do sleep 0.05; done; systemctl stop ${names.join(' ')}; systemctl --no-block exit`;
  writeFileSync(join(units, 'end.service'), `${header}[Service]\nExecStart=/bin/sh -c '${stop}'\n`);
  for (const [name, { command, settings }] of Object.entries(services)) {
    writeFileSync(join(units, `${name}.service`), `${header}[Service]\nEnvironment=NAME=${name} RESULTS=${results}\nExecStart=${command}\n${settings.join('\n')}\n`);
  }
}

function become(dir: string): string {
  const seal = (path: string): string => `mount --bind ${path} ${path} && mount -o remount,ro,bind ${path}`;
  const steps = [
    'mount --make-rprivate /',
    'umount -R /sys/fs/cgroup',
    'mount -t cgroup2 none /sys/fs/cgroup',
    'mount -t tmpfs none /run',
    'mkdir -p /run/systemd',
    `cp -r ${dir}/units /run/systemd/system`,
    seal('/etc'),
    seal('/proc/sys'),
    `exec env -i PATH=$PATH container=other ${program} --system --unit=all.target --log-target=null --show-status=no`,
  ];
  return steps.join(' && ');
}
