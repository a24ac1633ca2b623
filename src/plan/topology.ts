/** What the choice of a topology depends on: facts about this process, and what was asked for. */
export interface TopologyFacts {
  /** The setting that switches otel-run off, or null. */
  readonly disabledBy: 'OTEL_RUN_DISABLED' | 'OTEL_SDK_DISABLED' | null;
  readonly inProcess: boolean;
  /** False where telemetry is exported nowhere: the agent then carries context alone. */
  readonly exports: boolean;
  /** Something is written on the terminal, which an exporter that is a process of its own does not have. */
  readonly print: boolean;
  /** `--wait`, or OTEL_RUN_WAIT; null where nobody said. */
  readonly wait: boolean | null;
  /** SIGTERM is held back for so long. */
  readonly termDelayMs: number;
  /** This process runs inside another otel-run, whose exporter takes what this one hands over. */
  readonly nested: boolean;
  /** The Node that runs otel-run can become another program. */
  readonly canExecve: boolean;
  /** The command is Node, or a script that names Node in its first line. */
  readonly isNodeProgram: boolean;
  /** What shows that this is a container, or null. */
  readonly container: string | null;
  readonly ipcChannel: boolean;
  readonly listenFds: boolean;
  /** Inherited descriptors above 2 that this Node has marked close-on-exec. */
  readonly inheritedDescriptors: readonly number[];
}

export interface TopologyChoice {
  readonly topology: 'replace' | 'parent' | 'in-process' | 'off';
  /** Whether otel-run becomes the command, or starts it and waits. */
  readonly start: 'become' | 'wait';
  /** One sentence without a full stop. */
  readonly reason: string;
}

/**
 * Replace where nothing speaks against it: the application then is the process that the user started.
 * What makes it impossible comes before what makes it unwise, and a wish is granted where it is possible.
 */
export function chooseTopology(facts: TopologyFacts): TopologyChoice {
  const obstacle = whyNotBecome(facts);
  const start = obstacle === null && facts.termDelayMs === 0 ? 'become' : 'wait';
  if (facts.disabledBy !== null) return { topology: 'off', start, reason: `${facts.disabledBy} switches otel-run off` };
  if (facts.inProcess) return { topology: 'in-process', start, reason: 'asked for by --in-process' };
  if (!facts.exports) return { topology: 'in-process', start, reason: 'nothing is exported, the agent passes context on alone' };

  const parent = (reason: string): TopologyChoice => ({ topology: 'parent', start: 'wait', reason });
  if (obstacle !== null) return parent(obstacle);
  if (facts.print) return parent('--print and console write while the application runs, and after it');
  if (facts.wait === true) return parent('asked for by --wait');
  if (facts.termDelayMs > 0) return parent('--term-delay holds SIGTERM back');
  const replace = (reason: string): TopologyChoice => ({ topology: 'replace', start: 'become', reason });
  if (facts.nested) return replace('the otel-run around this one waits and exports');
  if (facts.wait === false) return replace('asked for by OTEL_RUN_WAIT=false');
  if (facts.container !== null) return parent(`a container (${facts.container}) ends with its first process`);
  return replace('a Node program outside containers');
}

function whyNotBecome(facts: TopologyFacts): string | null {
  if (!facts.canExecve) return 'this Node cannot replace itself (process.execve: Node 22.15 and later, not on Windows)';
  if (!facts.isNodeProgram) return 'the command is not a Node program, and would inherit ignored signals';
  if (facts.ipcChannel) return 'an IPC channel to the parent process is relayed';
  if (facts.listenFds) return 'sockets passed by systemd (LISTEN_FDS) are handed on';
  if (facts.inheritedDescriptors.length > 0) {
    const numbers = facts.inheritedDescriptors.join(', ');
    return `inherited descriptor${facts.inheritedDescriptors.length > 1 ? 's' : ''} ${numbers} would be closed`;
  }
  return null;
}
