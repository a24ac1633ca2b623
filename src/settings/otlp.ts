import type { OtlpDestination, SignalName } from '../plan/types.ts';
import { readEndpoint } from './endpoint.ts';
import { describeOrigin, originGiven, pickStronger, problemAt, rankOrigin } from './origin.ts';
import { findProxy } from './proxy.ts';
import type { Env, OtlpSettings, Problem, Resolved, SettingValues } from './types.ts';

/** What OTLP settings mean for a signal: of a general setting and its twin for the signal the stronger one holds. */
export function composeOtlp(signal: SignalName, values: SettingValues, env: Env, say: (problem: Problem) => void): OtlpSettings {
  const protocol = pickStronger(values['otlp.protocol'], values[`otlp.${signal}.protocol`]);
  const endpoint = pickStronger(values['otlp.endpoint'], values[`otlp.${signal}.endpoint`]);
  const { headers, headerFiles } = mergeHeaders(values['otlp.headers'], values[`otlp.${signal}.headers`]);
  const exporters = values[`${signal}.exporters`];
  const configured =
    [endpoint, protocol].some((given) => originGiven(given) !== null) ||
    Object.keys(headers).length > 0 ||
    (originGiven(exporters) !== null && exporters.value.includes('otlp'));
  const isSignal = endpoint === values[`otlp.${signal}.endpoint`];
  const picked = <P extends PlainPart>(part: P) => pickStronger(values[`otlp.${part}`], values[`otlp.${signal}.${part}`]).value;
  const { destination, reason, origin } = composeDestination(
    {
      signal,
      protocol,
      endpoint,
      isSignal,
      headers: { value: headers, origin: endpoint.origin, files: headerFiles },
      timeout: picked('timeout'),
      compression: picked('compression'),
      ca: picked('certificate'),
      cert: picked('clientCertificate'),
      key: picked('clientKey'),
      insecure: picked('insecure'),
    },
    env,
    say,
  );
  return { destination: destination && { ...destination, undelivered: configured ? 'keep' : 'drop' }, reason, configured, origin };
}

type PlainPart = 'timeout' | 'compression' | 'certificate' | 'clientCertificate' | 'clientKey' | 'insecure';

/** What is to be sent of one signal to one backend. */
export interface Sending {
  /** In `destinations`. */
  readonly name?: string;
  readonly signal: SignalName;
  readonly protocol: Resolved<OtlpDestination['protocol'] | null>;
  readonly endpoint: Resolved<string | null>;
  /** The endpoint is the signal's own, used as it is. */
  readonly isSignal?: boolean;
  readonly headers: Resolved<Headers>;
  readonly timeout: number | null;
  readonly compression: OtlpDestination['compression'] | null;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly insecure: boolean | null;
  readonly temporality?: 'cumulative' | 'delta' | 'lowmemory' | null;
}

/** The destination, or why there is none, in half a sentence. */
export function composeDestination(sending: Sending, env: Env, say: (problem: Problem) => void): Pick<OtlpSettings, 'destination' | 'reason' | 'origin'> {
  const { name, signal, protocol, endpoint, isSignal = false, headers, timeout, compression, ca, cert, key, insecure, temporality = null } = sending;
  const rejected = protocol.rejected ?? endpoint.rejected;
  if (rejected !== undefined) return { destination: null, reason: `the value of ${describeOrigin(rejected)} is invalid`, origin: rejected };

  const kind = protocol.value ?? 'http/protobuf';
  const read = readEndpoint({
    signal,
    text: endpoint.value ?? (kind === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318'),
    protocol: kind,
    forSignal: isSignal,
    insecure: insecure ?? false,
  });
  if (read.url === null) {
    const effect = name === undefined && isSignal ? `no ${signal} are sent` : 'nothing is sent there';
    say(problemAt(endpoint.origin, `${read.wrong}; ${effect}`, { severity: 'error', strict: true, hint: read.hint }));
    return { destination: null, reason: `${describeOrigin(endpoint.origin)} is no endpoint`, origin: endpoint.origin };
  }
  if (read.doubt !== null) say(problemAt(endpoint.origin, read.doubt, { hint: read.hint }));
  const proxy = findProxy(read.url, kind === 'grpc', env, say);
  const { files = {} } = headers;
  const timeoutMs = timeout ?? 10_000;
  return {
    destination: {
      kind: 'otlp',
      ...(name !== undefined && { name }),
      signal,
      protocol: kind,
      url: read.url,
      headers: { ...(read.authorization !== null && { authorization: read.authorization }), ...headers.value },
      ...(Object.keys(files).length > 0 && { headerFiles: files }),
      timeoutMs: timeoutMs === 0 ? NO_TIMEOUT : timeoutMs,
      compression: compression ?? 'none',
      ...(proxy !== null && { proxy }),
      tls: { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) },
      ...(temporality !== null && { temporality: temporality === 'cumulative' ? 'cumulative' : 'delta' }),
      undelivered: 'keep',
    },
    reason: null,
    origin: endpoint.origin,
  };
}

/** The specification's 0 is no limit; timers of Node hold 31 bits. */
const NO_TIMEOUT = 2 ** 31 - 1;

type Headers = Readonly<Record<string, string>>;

function mergeHeaders(general: Resolved<Headers>, signal: Resolved<Headers>): { headers: Record<string, string>; headerFiles: Record<string, string> } {
  const all = [general, signal].flatMap(({ value, origin, parts, files }) =>
    Object.entries(value).map(([name, text]) => ({ name, text, rank: rankOrigin(parts?.[name] ?? origin), file: files?.[name] })),
  );
  // Stable: of two from one source that for the signal stays last and wins.
  all.sort((a, b) => b.rank - a.rank);
  const strongest = [...new Map(all.map((one) => [one.name, one])).values()];
  return {
    headers: Object.fromEntries(strongest.map(({ name, text }) => [name, text])),
    headerFiles: Object.fromEntries(strongest.flatMap(({ name, file }) => (file === undefined ? [] : [[name, file]]))),
  };
}
