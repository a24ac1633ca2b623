import { mergeNodeOptions } from './node-options.ts';
import { AGENT_PLAN_VARIABLE, type AgentPlan, type LaunchPlan } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** The environment of the application: what it was, the agent added, the variables of `without` taken out. */
export function buildApplicationEnv(env: Env, agent: AgentPlan | null, without: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !without.includes(name)) result[name] = value;
  }
  if (agent !== null) {
    result.NODE_OPTIONS = mergeNodeOptions(env.NODE_OPTIONS, agent.preload);
    result[AGENT_PLAN_VARIABLE] = JSON.stringify(agent);
  }
  return result;
}

/** The same plan with the agent elsewhere. `nodeOptions` is what was there before ours. */
export function withPreload(plan: LaunchPlan, nodeOptions: string | undefined, preload: string): LaunchPlan {
  if (plan.agent === null) return plan;
  const agent: AgentPlan = { ...plan.agent, preload };
  const env = { ...plan.env, NODE_OPTIONS: mergeNodeOptions(nodeOptions, preload), [AGENT_PLAN_VARIABLE]: JSON.stringify(agent) };
  return { ...plan, agent, env };
}

/** Packages that send telemetry by themselves and read the variables that would be taken out. */
const ownSenders =
  /^(?:@opentelemetry\/(?:sdk-|exporter-|otlp-|auto-instrumentations-)|@elastic\/opentelemetry-|@splunk\/otel|@azure\/monitor-opentelemetry|@vercel\/otel|@honeycombio\/opentelemetry-|@google-cloud\/opentelemetry-|@traceloop\/|@langfuse\/otel|@pydantic\/logfire|logfire$|dd-trace$)/;

/** The first dependency of a package (parsed package.json) that is an SDK or exporter of its own, or null. */
export function findOwnSender(manifest: unknown): string | null {
  if (typeof manifest !== 'object' || manifest === null) return null;
  for (const key of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
    const listed: unknown = (manifest as Record<string, unknown>)[key];
    if (typeof listed !== 'object' || listed === null) continue;
    const found = Object.keys(listed).find((name) => ownSenders.test(name));
    if (found !== undefined) return found;
  }
  return null;
}
