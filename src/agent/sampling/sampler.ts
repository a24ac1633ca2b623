import type { Sampler } from '@opentelemetry/sdk-trace-base';
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import type { SamplerPlan } from '../../plan/types.ts';

/** The sampler of the specification that the plan names. */
export function createSampler(plan: SamplerPlan): Sampler {
  switch (plan.kind) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(plan.ratio);
    case 'parentbased':
      return new ParentBasedSampler({ root: createSampler(plan.root) });
  }
}
