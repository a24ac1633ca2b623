import type { SignalName } from '../plan/types.ts';
import { readEndpoint } from './endpoint.ts';
import { describeOrigin, originGiven, pickStronger, problemAt, rankOrigin } from './origin.ts';
import type { Origin, OtlpSettings, Problem, Resolved, SettingValues } from './types.ts';

/** What OTLP settings mean for a signal: of a general setting and its twin for the signal the stronger one holds. */
export function composeOtlp(signal: SignalName, values: SettingValues, say: (problem: Problem) => void): OtlpSettings {
  const protocol = pickStronger(values['otlp.protocol'], values[`otlp.${signal}.protocol`]);
  const endpoint = pickStronger(values['otlp.endpoint'], values[`otlp.${signal}.endpoint`]);
  const { headers, headerFiles } = mergeHeaders(values['otlp.headers'], values[`otlp.${signal}.headers`]);
  const exporters = values[`${signal}.exporters`];
  const configured =
    [endpoint, protocol].some((given) => originGiven(given) !== null) ||
    Object.keys(headers).length > 0 ||
    (originGiven(exporters) !== null && exporters.value.includes('otlp'));
  const off = (reason: string, origin: Origin): OtlpSettings => ({ destination: null, reason, configured, origin });

  const rejected = protocol.rejected ?? endpoint.rejected;
  if (rejected !== undefined) return off(`the value of ${describeOrigin(rejected)} is invalid`, rejected);

  const isSignal = endpoint === values[`otlp.${signal}.endpoint`];
  const kind = protocol.value ?? 'http/protobuf';
  const read = readEndpoint({
    signal,
    text: endpoint.value ?? (kind === 'grpc' ? 'http://localhost:4317' : 'http://localhost:4318'),
    protocol: kind,
    forSignal: isSignal,
    insecure: pickStronger(values['otlp.insecure'], values[`otlp.${signal}.insecure`]).value ?? false,
  });
  if (read.url === null) {
    say(problemAt(endpoint.origin, `${read.wrong}; no ${signal} are sent`, { severity: 'error', strict: true, hint: read.hint }));
    return off(`${describeOrigin(endpoint.origin)} is no endpoint`, endpoint.origin);
  }
  if (read.doubt !== null) say(problemAt(endpoint.origin, read.doubt, { hint: read.hint }));
  if (read.authorization !== null) headers['authorization'] ??= read.authorization;

  const ca = pickStronger(values['otlp.certificate'], values[`otlp.${signal}.certificate`]).value;
  const cert = pickStronger(values['otlp.clientCertificate'], values[`otlp.${signal}.clientCertificate`]).value;
  const key = pickStronger(values['otlp.clientKey'], values[`otlp.${signal}.clientKey`]).value;
  const timeout = pickStronger(values['otlp.timeout'], values[`otlp.${signal}.timeout`]).value ?? 10_000;
  return {
    destination: {
      kind: 'otlp',
      signal,
      protocol: kind,
      url: read.url,
      headers,
      ...(Object.keys(headerFiles).length > 0 && { headerFiles }),
      timeoutMs: timeout === 0 ? NO_TIMEOUT : timeout,
      compression: pickStronger(values['otlp.compression'], values[`otlp.${signal}.compression`]).value ?? 'none',
      tls: { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) },
      undelivered: configured ? 'keep' : 'drop',
    },
    reason: null,
    configured,
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
