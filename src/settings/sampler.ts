import type { SamplerPlan } from '../plan/types.ts';
import { describeOrigin, originGiven, problemAt, quote, rankOrigin } from './origin.ts';
import type { ValueOf } from './table.ts';
import type { Origin, Problem, Resolved } from './types.ts';
import { parseRatio } from './values.ts';

interface Parts {
  readonly sampler: Resolved<ValueOf<'traces.sampler'>>;
  /** `--sample`: a ratio that chooses its sampler by itself. */
  readonly sample: Resolved<number | null>;
  /** `OTEL_TRACES_SAMPLER_ARG`: means something beside a sampler that takes a ratio alone. */
  readonly arg: Resolved<string | null>;
}

/** One sampler of a name and two ways to give a ratio. */
export function composeSampler({ sampler, sample, arg }: Parts, say: (problem: Problem) => void): Resolved<SamplerPlan> {
  const name = sampler.value;
  if (name === 'traceidratio' || name === 'parentbased_traceidratio') {
    const { value, origin } = chooseRatio(sample, arg, sampler.origin, say);
    return { value: build(name, value), origin };
  }
  const asked = originGiven(sample);
  const samplerRank = rankOrigin(originGiven(sampler) ?? sampler.origin);
  if (asked !== null && rankOrigin(asked) < samplerRank) {
    return { value: build(sample.value === null ? 'parentbased_always_on' : 'parentbased_traceidratio', sample.value ?? 1), origin: sample.origin, ...(sample.rejected && { rejected: sample.rejected }) };
  }
  if (sampler.rejected === undefined) {
    const unused = asked ?? (rankOrigin(arg.origin) <= samplerRank ? originGiven(arg) : null);
    if (unused !== null) say(problemAt(unused, `the ratio has no effect: the sampler is ${name} (${describeOrigin(sampler.origin)})`, { hint: 'parentbased_traceidratio takes a ratio' }));
  }
  return { value: build(name, 1), origin: sampler.origin, ...(sampler.rejected && { rejected: sampler.rejected }) };
}

function chooseRatio(sample: Resolved<number | null>, arg: Resolved<string | null>, sampler: Origin, say: (problem: Problem) => void): Resolved<number> {
  const asked = originGiven(sample);
  if (asked !== null && rankOrigin(asked) <= rankOrigin(arg.origin)) return { value: sample.value ?? 1, origin: sample.origin };
  if (arg.value === null) {
    say(problemAt(sampler, 'no ratio is given; sampling 100 %', { hint: sampler.kind === 'env' ? 'OTEL_TRACES_SAMPLER_ARG=0.1' : sampler.kind === 'file' ? 'sample: 0.1' : '--sample 0.1' }));
    return { value: 1, origin: sampler };
  }
  const parsed = parseRatio(arg.value);
  if (typeof parsed.value === 'number') return { value: parsed.value, origin: arg.origin };
  say(problemAt(arg.origin, `${parsed.wrong ?? quote(arg.value)}; sampling 100 % instead`, { severity: 'error', strict: true, hint: 'hint' in parsed ? parsed.hint : null }));
  return { value: 1, origin: sampler, rejected: arg.origin };
}

function build(name: ValueOf<'traces.sampler'>, ratio: number): SamplerPlan {
  switch (name) {
    case 'always_on':
    case 'always_off':
      return { kind: name };
    case 'traceidratio':
      return { kind: 'traceidratio', ratio };
    case 'parentbased_always_on':
      return { kind: 'parentbased', root: { kind: 'always_on' } };
    case 'parentbased_always_off':
      return { kind: 'parentbased', root: { kind: 'always_off' } };
    case 'parentbased_traceidratio':
      return { kind: 'parentbased', root: { kind: 'traceidratio', ratio } };
  }
}
