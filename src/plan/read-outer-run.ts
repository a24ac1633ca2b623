import type { OuterRun } from './build-plan.ts';
import type { AgentPlan } from './types.ts';

/** The run that this process is part of, by the text of its agent plan, or null. An agent that exports by itself has nobody to hand on to. */
export function readOuterRun(text: string | undefined): OuterRun | null {
  if (text === undefined || text === '') return null;
  try {
    const plan = JSON.parse(text) as Partial<AgentPlan>;
    if (plan.version !== 1 || typeof plan.run !== 'string' || plan.handOff?.kind !== 'spool') return null;
    return typeof plan.handOff.dir === 'string' ? { run: plan.run, handOff: plan.handOff } : null;
  } catch {
    return null;
  }
}
