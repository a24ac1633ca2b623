import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { findManifest } from '../launch/find-manifest.ts';
import { whyContainerForgets } from '../launch/lasting-dir.ts';
import { findProgramPlace } from '../launch/program-place.ts';
import { findSpoolPlace } from '../launch/spool-place.ts';
import { isTerminal, type Surroundings } from '../launch/surroundings.ts';
import { whyNotWritable } from '../launch/writable-dir.ts';
import { findOwnSender } from '../plan/application-env.ts';
import { buildPlan, planWithout } from '../plan/build-plan.ts';
import { isDevelopersTerminal } from '../plan/developers-terminal.ts';
import { nodeHas } from '../plan/node-capabilities.ts';
import { isScriptName } from '../plan/node-program.ts';
import { readOuterRun } from '../plan/read-outer-run.ts';
import { findStateDir } from '../plan/state-dir.ts';
import { isHiddenByPermission } from '../plan/permission.ts';
import { chooseTopology, type TopologyFacts } from '../plan/topology.ts';
import { AGENT_PLAN_VARIABLE, type LaunchCommand, type LaunchPlan } from '../plan/types.ts';
import type { Settings } from '../settings/types.ts';
import { startTicks } from '../spool/owner.ts';
import type { CommandContext } from './context.ts';
import { telemetryWishes } from '../settings/telemetry-wishes.ts';

export interface RunFacts {
  /** Null where OTEL_RUN_DISABLED says not to read them, or they could not be read. */
  readonly settings: Settings | null;
  readonly command: LaunchCommand;
  readonly around: Surroundings;
  readonly context: CommandContext;
}

/** Gathers what the plan depends on, and makes it. Starts and writes nothing. */
export function planRun({ settings, command, around, context }: RunFacts): LaunchPlan {
  const { env, cwd, dist } = context;
  const possible = {
    canExecve: nodeHas('execve', process.versions.node) && process.platform !== 'win32',
    isNodeProgram: command.isNode,
    ...around,
  };
  if (settings === null || settings.disabled.value) {
    const disabledBy = settings === null ? 'OTEL_RUN_DISABLED' : 'OTEL_SDK_DISABLED';
    return planWithout({ command, env, termDelayMs: 0 }, chooseTopology({ ...possible, ...switchedOff, disabledBy }));
  }

  const { values } = settings;
  const outer = readOuterRun(env[AGENT_PLAN_VARIABLE]);
  const nested = outer !== null && outer.handOff.kind === 'spool' && existsSync(outer.handOff.dir) ? outer : null;
  const stateDir = values.stateDir.value ?? findStateDir(env);
  const wishes = telemetryWishes(settings, {
    stateDir,
    unwritable: stateDir === null ? null : whyNotWritable(stateDir),
    forgets: around.container === null || stateDir === null ? null : whyContainerForgets(stateDir),
    localStore: isDevelopersTerminal(around, env),
    stdinIsTerminal: isTerminal(0),
  });
  const termDelayMs = values.termDelay.value * 1000;
  const choice = chooseTopology({
    ...possible,
    disabledBy: null,
    inProcess: values.inProcess.value,
    exports: wishes.exporter.destinations.length > 0,
    print: wishes.exporter.destinations.some(({ kind }) => kind === 'print' || kind === 'console'),
    wait: settings.wait.value,
    nested: nested !== null,
    termDelayMs,
  });
  const run = randomId();
  const spool = findSpoolPlace(run, { dir: values['spool.dir'].value, capBytes: values['spool.size'].value });
  const makesSpool = spool !== null && nested === null && choice.topology !== 'in-process';
  const program = findProgramPlace(dist, env, makesSpool ? dirname(spool.dir) : null);
  if (command.isNode && isHiddenByPermission(env.NODE_OPTIONS ?? '', command.args, join(program, 'agent'))) {
    const reason = `Node's permission model keeps the agent from being read; --allow-fs-read=${program}/* would let it`;
    return planWithout({ command, env, termDelayMs }, { start: choice.start, reason });
  }
  if (basename(command.name) === 'chroot' && !command.args.includes('/')) {
    const reason = 'chroot hides the agent, and Node would not start; `chroot <directory> otel-run …` has it inside';
    return planWithout({ command, env, termDelayMs }, { start: choice.start, reason });
  }
  return buildPlan(
    {
      run,
      preload: join(program, 'agent', 'register.js'),
      choice,
      command,
      env,
      without: keepsCredentials(settings, command, cwd) || choice.topology === 'in-process' ? [] : settings.credentials,
      spool,
      outer: nested,
      launcher: { pid: process.pid, start: startTicks('self') },
      termDelayMs,
    },
    wishes,
  );
}

/** 16 hex digits. `node:crypto` costs 3 ms to load, the kernel's random numbers nothing. */
function randomId(): string {
  const bytes = Buffer.alloc(8);
  try {
    const fd = openSync('/dev/urandom', 'r');
    readSync(fd, bytes);
    closeSync(fd);
  } catch {
    globalThis.crypto.getRandomValues(bytes);
  }
  return bytes.toString('hex');
}

const switchedOff: Pick<TopologyFacts, 'inProcess' | 'exports' | 'print' | 'wait' | 'nested' | 'termDelayMs'> = {
  termDelayMs: 0,
  inProcess: false,
  exports: false,
  print: false,
  wait: null,
  nested: false,
};

/** An application that sends telemetry by itself needs its variables. */
function keepsCredentials({ values, credentials }: Settings, command: LaunchCommand, cwd: string): boolean {
  if (values.keepEnv.value || credentials.length === 0) return true;
  const script = command.isNode ? (command.args[0] ?? '') : '';
  const places = isScriptName(script) ? [dirname(resolve(cwd, script)), cwd] : [cwd];
  return places.some((place) => findOwnSender(findManifest(place)) !== null);
}
