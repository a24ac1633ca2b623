import { describe, expect, it } from 'vitest';
import { buildPlan, type PlanFacts, type TelemetryWishes } from '../../src/plan/build-plan.ts';
import { readOuterRun } from '../../src/plan/read-outer-run.ts';
import { AGENT_PLAN_VARIABLE, type AgentPlan } from '../../src/plan/types.ts';

const facts: PlanFacts = {
  run: '0011223344556677',
  preload: '/otel-run/register.js',
  choice: { topology: 'replace', start: 'become', reason: 'because' },
  command: { file: '/bin/node', args: ['a.js'], name: 'node', isNode: true },
  env: { PATH: '/bin', OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret' },
  without: ['OTEL_EXPORTER_OTLP_HEADERS'],
  spool: { dir: '/dev/shm/otel-run-0/0011223344556677', handOffDir: '/dev/shm/otel-run-0/0011223344556677/hand-off', capBytes: 1024 },
  outer: null,
  launcher: { pid: 42, start: '99' },
  termDelayMs: 0,
};
const wishes = {
  agent: { serviceName: 'shop', verbosity: 'normal' },
  exporter: {
    destinations: [{ kind: 'otlp', signal: 'traces', url: 'http://b', headers: { authorization: 'secret' } }],
    stateDir: '/state',
  },
} as unknown as TelemetryWishes;

describe('buildPlan', () => {
  it('keeps credentials out of everything that the application gets', () => {
    const plan = buildPlan(facts, wishes);
    expect(JSON.stringify([plan.env, plan.agent])).not.toContain('secret');
    expect(JSON.stringify(plan.exporter)).toContain('secret');
  });

  it.each([
    ['replace', { pid: 42, start: '99' }, '/dev/shm/otel-run-0/0011223344556677/notices'],
    ['parent', null, null],
  ] as const)('%s: who watches the application, who speaks', (topology, root, noticeFile) => {
    const plan = buildPlan({ ...facts, choice: { ...facts.choice, topology } }, wishes);
    expect(plan.exporter).toMatchObject({ spool: facts.spool!.dir, root, noticeFile });
    expect(plan.agent?.handOff).toEqual({ kind: 'spool', dir: facts.spool!.handOffDir, capBytes: 1024, noticeFile });
  });

  it('without a place for the spool runs the command alone, its environment untouched', () => {
    const plan = buildPlan({ ...facts, spool: null }, wishes);
    expect(plan).toMatchObject({ topology: 'off', start: 'become', env: facts.env, agent: null, exporter: null });
  });

  it('in the process exports what it was given, with no exporter beside', () => {
    const plan = buildPlan({ ...facts, choice: { ...facts.choice, topology: 'in-process' } }, wishes);
    expect(plan.exporter).toBeNull();
    expect(plan.agent?.handOff).toMatchObject({ kind: 'in-process', destinations: wishes.exporter.destinations });
  });

  it('inside another run hands over to its exporter, with settings of its own', () => {
    const outer = buildPlan(facts, wishes);
    const inner = buildPlan(
      { ...facts, run: 'ffff', env: outer.env, outer: readOuterRun(outer.env[AGENT_PLAN_VARIABLE]) },
      { ...wishes, agent: { ...wishes.agent, serviceName: 'inner' } },
    );
    expect(inner.exporter).toBeNull();
    expect(inner.agent).toMatchObject({ run: facts.run, serviceName: 'inner', handOff: outer.agent!.handOff });
    expect(inner.env.NODE_OPTIONS).toBe('--require /otel-run/register.js');
  });
});

describe('readOuterRun', () => {
  const inProcess = { version: 1, run: 'r', handOff: { kind: 'in-process', destinations: [] } } as unknown as AgentPlan;
  it.each<[text: string | undefined]>([[undefined], [''], ['{'], ['null'], ['[]'], ['{"version":2}'], [JSON.stringify(inProcess)]])('%j is none', (text) => {
    expect(readOuterRun(text)).toBeNull();
  });
});
