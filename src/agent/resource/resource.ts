import { arch, hostname, platform, release } from 'node:os';
import type { Attributes } from '@opentelemetry/api';
import type { AgentPlan } from '../../plan/types.ts';
import { mainScript } from '../main-script.ts';
import { findContainerId } from './container.ts';
import { findService } from './service.ts';

declare const OTEL_RUN_VERSION: string;
declare const OTEL_RUN_SDK_VERSION: string;

/** Detectors that ask nobody: no network, no child process, no user's name, no command line. */
const DETECTORS: Readonly<Record<string, () => Attributes>> = {
  host: () => ({ 'host.name': hostname(), 'host.arch': HOST_ARCH[arch()] ?? arch() }),
  os: () => ({ 'os.type': OS_TYPE[platform()] ?? platform(), 'os.version': release() }),
  process: () => ({
    'process.pid': process.pid,
    'process.executable.path': process.execPath,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'process.runtime.description': 'Node.js',
  }),
  container: () => {
    const id = findContainerId();
    return id === null ? {} : { 'container.id': id };
  },
  serviceinstance: () => ({ 'service.instance.id': randomUuid() }),
};

const DEFAULT_DETECTORS = ['host', 'os', 'process', 'container', 'serviceinstance'];

/**
 * The resource of this process: what is detected, then what was set (a setting wins). Never throws.
 * Names: https://opentelemetry.io/docs/specs/semconv/resource/
 */
export function detectResource(plan: Pick<AgentPlan, 'serviceName' | 'serviceVersion' | 'resource' | 'detectors'>): Attributes {
  const found: Attributes = {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': OTEL_RUN_SDK_VERSION,
    'telemetry.distro.name': 'otel-run',
    'telemetry.distro.version': OTEL_RUN_VERSION,
  };
  for (const name of plan.detectors ?? DEFAULT_DETECTORS) Object.assign(found, attempt(DETECTORS[name]));
  const service = findService(mainScript(), workingDirectory());
  found['service.name'] = plan.serviceName ?? plan.resource['service.name'] ?? service.name;
  const version = plan.serviceVersion ?? service.version;
  if (version !== null) found['service.version'] = version;
  return { ...found, ...plan.resource, 'service.name': found['service.name'] };
}

const HOST_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm32', ppc: 'ppc32', ia32: 'x86' };
const OS_TYPE: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' };

function attempt(detector: (() => Attributes) | undefined): Attributes {
  try {
    return detector?.() ?? {};
  } catch {
    return {};
  }
}

/** A working directory that was removed makes `process.cwd()` throw. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/** Version 4. `node:crypto` would cost milliseconds at every start; uniqueness is all that is asked. */
function randomUuid(): string {
  let digits = '';
  while (digits.length < 32) digits += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0');
  const variant = '89ab'[Math.floor(Math.random() * 4)]!;
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}
