import type { Destination, LaunchPlan } from '../plan/types.ts';
import { maskUrl } from '../settings/endpoint.ts';
import { showSettings } from '../settings/show.ts';
import type { Settings } from '../settings/types.ts';
import type { CommandContext } from './context.ts';

/** What `--dry-run` tells of a plan: no header value, no variable's value but NODE_OPTIONS. */
interface ShownPlan {
  readonly command: readonly string[];
  readonly topology: LaunchPlan['topology'];
  readonly reason: string;
  readonly start: LaunchPlan['start'];
  readonly termDelayMs: number;
  readonly preload: string | null;
  readonly nodeOptions: string | null;
  readonly spool: { readonly dir: string; readonly capBytes: number } | null;
  readonly destinations: readonly string[];
  /** Null where there is no agent. */
  readonly sendsLogs: boolean | null;
  readonly stateDir: string | null;
  /** Why nothing is kept of what cannot be delivered, or null. */
  readonly notKept: string | null;
  /** Variables that the application does not get. */
  readonly withheld: readonly string[];
}

/** Prints settings with their origins, and the plan. People get the defaults where they ask for them. */
export function showRun(
  settings: Settings | null,
  plan: LaunchPlan,
  { json, context }: { readonly json: boolean; readonly context: CommandContext },
): number {
  const rows = settings === null ? [] : showSettings(settings);
  const shown = showPlan(plan, context.env);
  if (json) {
    const problems = settings?.problems.map(({ severity, message, hint }) => ({ severity, message, hint })) ?? [];
    context.print(`${JSON.stringify({ settings: rows, problems, plan: shown }, null, 2)}\n`);
  } else {
    const listed = settings?.verbosity.value === 'verbose' ? rows : rows.filter(({ origin }) => origin !== 'default');
    const settingLines = align(listed.map(({ setting, value, origin }) => [setting, value, origin]));
    const heading = settings === null ? 'settings: not read' : 'settings';
    const left = rows.length - listed.length;
    const rest = left === 0 ? [] : [`  ${left} by default (--verbose lists them)`];
    context.print(`${[heading, ...settingLines, ...rest, 'plan', ...align(planLines(shown))].join('\n')}\n`);
  }
  return 0;
}

function showPlan(plan: LaunchPlan, env: CommandContext['env']): ShownPlan {
  const { agent, exporter, command } = plan;
  const handOff = agent?.handOff ?? null;
  return {
    command: [command.file, ...command.args],
    topology: plan.topology,
    reason: plan.reason,
    start: plan.start,
    termDelayMs: plan.termDelayMs,
    preload: agent?.preload ?? null,
    nodeOptions: agent === null ? null : (plan.env.NODE_OPTIONS ?? null),
    spool: handOff?.kind === 'spool' ? { dir: handOff.dir, capBytes: handOff.capBytes } : null,
    destinations: (exporter?.destinations ?? (handOff?.kind === 'in-process' ? handOff.destinations : [])).map(showDestination),
    sendsLogs: agent === null ? null : agent.logs !== null,
    stateDir: exporter?.stateDir ?? null,
    notKept: exporter?.notKept ?? null,
    withheld: Object.keys(env).filter((name) => env[name] !== undefined && plan.env[name] === undefined),
  };
}

function showDestination(destination: Destination): string {
  switch (destination.kind) {
    case 'otlp': {
      const { name, signal, protocol, url, headers, compression, proxy, undelivered } = destination;
      const names = Object.keys(headers);
      const details = [protocol, ...(compression === 'none' ? [] : [compression]), ...(names.length === 0 ? [] : [`headers: ${names.join(', ')}`]), ...(proxy === undefined ? [] : [`through ${proxy.url}, ${proxy.variable}`])];
      return `${signal} to ${name === undefined ? '' : `${name}, `}${maskUrl(url)} (${details.join('; ')}); undelivered: ${undelivered}`;
    }
    case 'prometheus':
      return `metrics at http://${destination.host.includes(':') ? `[${destination.host}]` : destination.host}:${destination.port}/metrics`;
    case 'console':
      return `${destination.signal} as text on stderr`;
    case 'print':
      return 'trace trees on stderr';
    case 'store':
      return `local store ${destination.dir}`;
  }
}

function planLines(plan: ShownPlan): string[][] {
  const { spool, withheld, destinations } = plan;
  return [
    ['command', plan.command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ')],
    ['topology', `${plan.topology} (otel-run ${plan.start === 'become' ? 'becomes the command' : 'waits for the command'}): ${plan.reason}`],
    ['SIGTERM', describeTerm(plan)],
    ...(plan.preload === null ? [] : [['agent', plan.preload]]),
    ...(plan.nodeOptions === null ? [] : [['NODE_OPTIONS', plan.nodeOptions]]),
    ...(spool === null ? [] : [['spool', `${spool.dir} (at most ${Math.round(spool.capBytes / 1024)} KiB)`]]),
    ...destinations.map((line, index) => [index === 0 ? 'exports' : '', line]),
    ...(plan.sendsLogs === null ? [] : [['logs', plan.sendsLogs ? SENT : NOT_SENT]]),
    ...(plan.notKept !== null ? [['not kept', plan.notKept]] : plan.stateDir === null ? [] : [['kept in', plan.stateDir]]),
    ...(withheld.length === 0 ? [] : [['withheld', withheld.join(', ')]]),
  ];
}

const SENT = 'are sent; where the platform collects stdout too, you pay twice';
const NOT_SENT = 'are not sent (--logs otlp): most platforms collect stdout already, and you would pay twice';

/** Before an orchestrator finds out: as process 1 plain node would sit there and be killed in the end. */
function describeTerm({ start, termDelayMs }: ShownPlan): string {
  if (start === 'become') return 'sent to this process is the application\'s own, as under plain node';
  if (termDelayMs > 0) return `is handed on after ${termDelayMs / 1000} s, a second one at once (--term-delay)`;
  return 'is handed on at once: an application without a handler ends, also in a container; --term-delay gives it time';
}

/** Columns two spaces apart; the last one is left ragged. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.min(40, Math.max(...rows.map((row) => row[column]?.length ?? 0))));
  return rows.map((row) => `  ${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('  ')}`);
}
