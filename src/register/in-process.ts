/**
 * `NODE_OPTIONS="--require otel-run/register"`: no launcher, so the settings are read here and the agent exports
 * from inside the process.
 */
import type { start as startAgent } from '../agent/agent.ts';
import { telemetryWishes } from '../settings/telemetry-wishes.ts';
import type { AgentPlan } from '../plan/types.ts';
import { readSettingsSync } from '../settings/read-sync.ts';

/** Called by the guard, which catches what is thrown here. */
export function start(say: (cause: string, text: string) => void): void {
  const settings = readSettingsSync({ env: process.env, cwd: process.cwd() });
  const isQuiet = settings.verbosity.value === 'quiet';
  if (!isQuiet) {
    for (const [index, { severity, message, hint }] of settings.problems.entries()) {
      if (severity !== 'note') say(`setting-${index}`, hint === null ? message : `${message} (${hint})`);
    }
  }
  if (settings.disabled.value) return;

  const { agent, exporter } = telemetryWishes(settings, { stateDir: null, unwritable: null, forgets: null, localStore: false, stdinIsTerminal: false });
  const plan: AgentPlan = {
    version: 1,
    run: '0'.repeat(16),
    preload: __filename,
    handOff: { kind: 'in-process', destinations: exporter.destinations, batch: exporter.batch },
    ...agent,
  };
  const agentBundle = require('./agent.js') as { start: typeof startAgent };
  agentBundle.start(plan, isQuiet ? () => {} : say);
}
