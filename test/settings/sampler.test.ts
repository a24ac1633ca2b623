import { expect, test } from 'vitest';
import type { SamplerPlan } from '../../src/plan/types.ts';
import { formatProblem } from '../../src/settings/origin.ts';
import { read } from './project.ts';

const all: SamplerPlan = { kind: 'parentbased', root: { kind: 'always_on' } };
const share = (ratio: number): SamplerPlan => ({ kind: 'parentbased', root: { kind: 'traceidratio', ratio } });

test.each([
  ['nothing', {}, all],
  ['a name', { env: { OTEL_TRACES_SAMPLER: 'ALWAYS_OFF' } }, { kind: 'always_off' }],
  ['a parent-based name', { env: { OTEL_TRACES_SAMPLER: 'parentbased_always_off' } }, { kind: 'parentbased', root: { kind: 'always_off' } }],
  ['a ratio', { env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' } }, { kind: 'traceidratio', ratio: 0.25 }],
  ['--sample alone', { flags: { sample: '0.1' } }, share(0.1)],
  ['OTEL_RUN_SAMPLE alone', { env: { OTEL_RUN_SAMPLE: '0.1' } }, share(0.1)],
  ['--sample over a sampler without ratio in the environment', { flags: { sample: '0.1' }, env: { OTEL_TRACES_SAMPLER: 'always_on' } }, share(0.1)],
  ['--sample over the ratio in the environment', { flags: { sample: '0.1' }, env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' } }, { kind: 'traceidratio', ratio: 0.1 }],
  ['--sampler over the ratio in the environment', { flags: { sampler: 'always_on' }, env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' } }, { kind: 'always_on' }],
  ['--sampler with the ratio of the environment', { flags: { sampler: 'traceidratio' }, env: { OTEL_TRACES_SAMPLER_ARG: '0.5' } }, { kind: 'traceidratio', ratio: 0.5 }],
  ['a file', { yaml: 'traces: { sampler: traceidratio, sample: 0.3 }\n' }, { kind: 'traceidratio', ratio: 0.3 }],
  ['a ratio in a file', { yaml: 'traces: { sample: 0.3 }\n' }, share(0.3)],
  ['a file under the environment', { env: { OTEL_TRACES_SAMPLER: 'always_on' }, yaml: 'traces: { sampler: traceidratio, sample: 0.3 }\n' }, { kind: 'always_on' }],
] as const)('%s', async (_, request, plan) => {
  expect((await read(request)).sampler.value).toEqual(plan);
});

test.each([
  [{ env: { OTEL_TRACES_SAMPLER: 'alwayson' } }, all, true, "OTEL_TRACES_SAMPLER: 'alwayson' is not known; sampling 100 % instead (parentbased_always_on) (did you mean 'always_on'?)"],
  [{ env: { OTEL_TRACES_SAMPLER: 'jaeger_remote', OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://x' } }, all, true, "OTEL_TRACES_SAMPLER: 'jaeger_remote': samplers that ask a server are not supported; sampling 100 % instead (parentbased_always_on)"],
  [{ env: { OTEL_TRACES_SAMPLER: 'parentbased_jaeger_remote' } }, all, true, "OTEL_TRACES_SAMPLER: 'parentbased_jaeger_remote': samplers that ask a server are not supported; sampling 100 % instead (parentbased_always_on)"],
  [{ env: { OTEL_TRACES_SAMPLER: 'xray' } }, all, true, "OTEL_TRACES_SAMPLER: 'xray': samplers that ask a server are not supported; sampling 100 % instead (parentbased_always_on)"],
  [{ env: { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' } }, { kind: 'traceidratio', ratio: 1 }, true, "OTEL_TRACES_SAMPLER_ARG: '2' is no number from 0 to 1; sampling 100 % instead (2 % is 0.02)"],
  [{ env: { OTEL_TRACES_SAMPLER: 'traceidratio' } }, { kind: 'traceidratio', ratio: 1 }, false, 'OTEL_TRACES_SAMPLER: no ratio is given; sampling 100 % (OTEL_TRACES_SAMPLER_ARG=0.1)'],
  [{ env: { OTEL_TRACES_SAMPLER_ARG: '0.1' } }, all, false, 'OTEL_TRACES_SAMPLER_ARG: the ratio has no effect: the sampler is parentbased_always_on (default) (parentbased_traceidratio takes a ratio)'],
  [{ flags: { sample: '0.1', sampler: 'always_on' } }, { kind: 'always_on' }, false, '--sample: the ratio has no effect: the sampler is always_on (--sampler) (parentbased_traceidratio takes a ratio)'],
  [{ flags: { sample: 'x' } }, all, true, "--sample: 'x' is no number from 0 to 1; sampling 100 % instead"],
] as const)('%j is said', async (request, plan, strict, line) => {
  const { sampler, problems } = await read(request);
  expect(sampler.value).toEqual(plan);
  expect(problems.map((problem) => [formatProblem(problem), problem.strict])).toEqual([[line, strict]]);
});
