import type { InstrumentationConfig } from '@opentelemetry/instrumentation';
import type { AgentPlan, ExpressLayers } from '../../plan/types.ts';
import { redisStatement } from './redis-statement.ts';

type Options = Readonly<Record<string, unknown>>;

/** What an instrumentation is constructed with: ours by default, the user's on top. */
export function instrumentationOptions(name: string, { options, expressLayers }: AgentPlan['instrumentations']): InstrumentationConfig {
  return { ...ours[name]?.(expressLayers), ...options[name], enabled: true } as InstrumentationConfig;
}

const ours: Readonly<Record<string, (layers: ExpressLayers) => Options>> = {
  // Routes of the layers that are ignored still give the server span its name.
  express: (layers) => ({ ignoreLayersType: layers === 'all' ? [] : layers === 'handlers' ? ['middleware', 'router'] : ['middleware', 'router', 'request_handler'] }),
  // Its own default drops every command outside of a request.
  ioredis: () => ({ requireParentSpan: false, dbStatementSerializer: redisStatement }),
  redis: () => ({ dbStatementSerializer: redisStatement }),
};
