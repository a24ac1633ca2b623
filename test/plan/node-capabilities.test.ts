import { describe, expect, it } from 'vitest';
import { nodeHas, type NodeCapability } from '../../src/plan/node-capabilities.ts';

describe('nodeHas', () => {
  it.each<[capability: NodeCapability, has: string[], hasNot: string[]]>([
    ['execve', ['22.15.0', '22.23.3', '23.11.0', '24.0.0', '26.10.0'], ['20.20.2', '21.7.3', '22.14.0', '23.10.0']],
    ['registerHooks', ['22.15.0', '23.5.0', '24.0.0', '26.0.0'], ['20.20.2', '22.14.0', '23.4.0']],
    ['importHookInSync', ['22.22.3', '22.23.0', '24.11.1', '25.1.0', '26.0.0'], ['20.20.2', '22.22.2', '23.11.0', '24.11.0', '25.0.0']],
    ['compileCache', ['22.8.0', '24.0.0', '23.0.0'], ['20.20.2', '22.7.0']],
  ])('%s', (capability, has, hasNot) => {
    expect(has.filter((version) => !nodeHas(capability, version))).toEqual([]);
    expect(hasNot.filter((version) => nodeHas(capability, version))).toEqual([]);
  });

  it('judges the Node that runs this test as it is', () => {
    expect(nodeHas('execve', process.versions.node)).toBe(typeof process.execve === 'function');
  });
});
