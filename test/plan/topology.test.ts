import { describe, expect, it } from 'vitest';
import { chooseTopology, type TopologyChoice, type TopologyFacts } from '../../src/plan/topology.ts';

const laptop: TopologyFacts = {
  disabledBy: null,
  inProcess: false,
  exports: true,
  print: false,
  wait: null,
  nested: false,
  termDelayMs: 0,
  canExecve: true,
  isNodeProgram: true,
  container: null,
  ipcChannel: false,
  listenFds: false,
  inheritedDescriptors: [],
};
const docker: Partial<TopologyFacts> = { container: '/.dockerenv' };

describe('chooseTopology', () => {
  it.each<[name: string, facts: Partial<TopologyFacts>, topology: TopologyChoice['topology'], start: TopologyChoice['start'], reason: RegExp]>([
    ['a Node program', {}, 'replace', 'become', /outside containers/],
    ['in a container', docker, 'parent', 'wait', /\/\.dockerenv.*first process/],
    ['in a container, asked not to wait', { ...docker, wait: false }, 'replace', 'become', /OTEL_RUN_WAIT=false/],
    ['--wait', { wait: true }, 'parent', 'wait', /--wait/],
    ['--print', { print: true }, 'parent', 'wait', /--print/],
    ['--print beats OTEL_RUN_WAIT=false', { print: true, wait: false }, 'parent', 'wait', /--print/],
    ['a shell script', { isNodeProgram: false }, 'parent', 'wait', /not a Node program/],
    ['a shell script, asked not to wait', { isNodeProgram: false, wait: false }, 'parent', 'wait', /not a Node program/],
    ['no execve', { canExecve: false }, 'parent', 'wait', /process\.execve/],
    ['no execve, asked not to wait', { canExecve: false, wait: false }, 'parent', 'wait', /process\.execve/],
    ['an IPC channel', { ipcChannel: true }, 'parent', 'wait', /IPC/],
    ['LISTEN_FDS', { listenFds: true }, 'parent', 'wait', /LISTEN_FDS/],
    ['an inherited descriptor', { inheritedDescriptors: [9] }, 'parent', 'wait', /descriptor 9 /],
    ['inherited descriptors', { inheritedDescriptors: [3, 9] }, 'parent', 'wait', /descriptors 3, 9 /],
    ['inside another otel-run', { nested: true }, 'replace', 'become', /around/],
    ['inside another otel-run, in a container', { ...docker, nested: true }, 'replace', 'become', /around/],
    ['--term-delay', { termDelayMs: 1000 }, 'parent', 'wait', /--term-delay/],
    ['--term-delay beats OTEL_RUN_WAIT=false', { termDelayMs: 1000, wait: false }, 'parent', 'wait', /--term-delay/],
    ['--term-delay with --in-process', { termDelayMs: 1000, inProcess: true }, 'in-process', 'wait', /--in-process/],
    ['--in-process', { inProcess: true }, 'in-process', 'become', /--in-process/],
    ['--in-process in a container', { ...docker, inProcess: true }, 'in-process', 'become', /--in-process/],
    ['--in-process of a shell script', { inProcess: true, isNodeProgram: false }, 'in-process', 'wait', /--in-process/],
    ['nothing is exported', { exports: false }, 'in-process', 'become', /nothing is exported/],
    ['disabled', { disabledBy: 'OTEL_RUN_DISABLED' }, 'off', 'become', /OTEL_RUN_DISABLED/],
    ['disabled in a container', { ...docker, disabledBy: 'OTEL_SDK_DISABLED' }, 'off', 'become', /OTEL_SDK_DISABLED/],
    ['disabled, a shell script', { disabledBy: 'OTEL_RUN_DISABLED', isNodeProgram: false }, 'off', 'wait', /OTEL_RUN_DISABLED/],
    ['disabled, with an IPC channel', { disabledBy: 'OTEL_RUN_DISABLED', ipcChannel: true }, 'off', 'wait', /OTEL_RUN_DISABLED/],
  ])('%s', (_, facts, topology, start, reason) => {
    const choice = chooseTopology({ ...laptop, ...facts });
    expect(choice).toMatchObject({ topology, start });
    expect(choice.reason).toMatch(reason);
  });
});
