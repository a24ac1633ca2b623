import { describe, expect, it } from 'vitest';
import { buildApplicationEnv, findOwnSender } from '../../src/plan/application-env.ts';
import type { AgentPlan } from '../../src/plan/types.ts';

const agent = { version: 1, run: 'r', preload: '/otel run/register.js' } as AgentPlan;

describe('buildApplicationEnv', () => {
  it.each<[name: string, env: Record<string, string | undefined>, agent: AgentPlan | null, without: string[], result: Record<string, string>]>([
    ['leaves everything as it is', { A: '1', NODE_OPTIONS: '', B: undefined }, null, [], { A: '1', NODE_OPTIONS: '' }],
    ['takes out what it is told', { OTEL_EXPORTER_OTLP_HEADERS: 'a=b', A: '' }, null, ['OTEL_EXPORTER_OTLP_HEADERS', 'X'], { A: '' }],
    [
      'adds the agent',
      { NODE_OPTIONS: '--inspect' },
      agent,
      [],
      { NODE_OPTIONS: '--require "/otel run/register.js" --inspect', OTEL_RUN_PLAN: JSON.stringify(agent) },
    ],
  ])('%s', (_, env, plan, without, result) => {
    expect(buildApplicationEnv(env, plan, without)).toEqual(result);
  });
});

describe('findOwnSender', () => {
  it.each<[manifest: unknown, found: string | null]>([
    [null, null],
    ['x', null],
    [{}, null],
    [{ dependencies: null }, null],
    [{ dependencies: { express: '5' } }, null],
    [{ dependencies: { '@opentelemetry/api': '1' } }, null],
    [{ dependencies: { '@opentelemetry/semantic-conventions': '1' } }, null],
    [{ dependencies: { '@opentelemetry/sdk-node': '1' } }, '@opentelemetry/sdk-node'],
    [{ devDependencies: { '@opentelemetry/exporter-trace-otlp-http': '1' } }, '@opentelemetry/exporter-trace-otlp-http'],
    [{ optionalDependencies: { 'dd-trace': '5' } }, 'dd-trace'],
    [{ dependencies: { 'not-dd-trace': '5' } }, null],
  ])('%j: %s', (manifest, found) => {
    expect(findOwnSender(manifest)).toBe(found);
  });
});
