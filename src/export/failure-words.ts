/** What went wrong on the way to a backend, in words that say what to do. */
import type { OtlpDestination } from '../plan/types.ts';

/** For errors of the connection; the words hold neither address nor credentials. */
export function describeConnectionError(error: unknown, protocol: 'http' | 'grpc'): string {
  const { code = '', message } = leaf(error);
  // Node gives both the same code; this one came before a byte of an answer.
  if (/socket hang up/i.test(message)) return hungUp;
  const known = byCode[code];
  if (known !== undefined) return protocol === 'grpc' && known === noTls ? noTlsByGrpc : known;
  if (code === 'HPE_HEADER_OVERFLOW') return 'the answer has more headers than Node takes: is this the address of an OTLP backend?';
  if (code.startsWith('HPE_') && code !== 'HPE_INVALID_CONSTANT') return 'the answer is no sound HTTP';
  if (code.startsWith('HPE_')) return 'the answer is not HTTP: a gRPC port? (--protocol grpc, or the HTTP port, usually 4318)';
  for (const [pattern, words] of byMessage) if (pattern.test(message)) return protocol === 'grpc' && words === noTls ? noTlsByGrpc : words;
  return `${protocol === 'grpc' ? 'gRPC' : 'connection'} failed: ${tame(message, 160)}`;
}

export function describeStatus(status: number, detail: string): string {
  const known = byStatus[status];
  if (known !== undefined) return `HTTP ${status}: ${known}`;
  if (status < 200) return `HTTP ${status}: it wants to speak another protocol: is this the address of an OTLP backend?`;
  if (status >= 300 && status < 400 && status !== 304) return `HTTP ${status}: a redirect, which is never followed; set the endpoint to where the backend is`;
  return `HTTP ${status}${detail === '' ? '' : `: ${tame(detail, 160)}`}`;
}

/** Our words name settings by their variables; those of a destination with a name stand in the config file. */
export function nameSettings(words: string, { name }: Pick<OtlpDestination, 'name'>): string {
  if (name === undefined) return words;
  return words
    .replace(/OTEL_EXPORTER_OTLP_([A-Z_]+)/g, (_, part: string) => `destinations.${name}.${part.toLowerCase().replace(/_(.)/g, (__, letter: string) => letter.toUpperCase())}`)
    .replace(/--protocol (\S+?)([,)])/g, `destinations.${name}.protocol: $1$2`);
}

/** Words of a stranger, fit for a terminal: one line, no control characters, bounded. */
export function tame(text: string, most: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

const untrusted = 'its certificate is signed by an authority that is not trusted here: name the CA file in OTEL_EXPORTER_OTLP_CERTIFICATE';

const noTls = 'it does not speak TLS: http:// in place of https://?';
const noTlsByGrpc = 'it does not speak TLS: write http:// before it (without a scheme gRPC goes with TLS, unless OTEL_EXPORTER_OTLP_INSECURE is true)';

const hungUp = 'connection cut by the other side without an answer: a TLS or gRPC port? (https://, --protocol grpc)';

const byCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  ECONNRESET: 'connection cut by the other side',
  ENOENT: 'there is no such socket: is the backend running?',
  EACCES: 'no permission to use that socket',
  EPIPE: 'connection cut by the other side',
  ETIMEDOUT: 'no connection in time',
  EHOSTUNREACH: 'no way to that host',
  ENETUNREACH: 'no way to that network',
  ENOTFOUND: 'the host name cannot be resolved (DNS): check the endpoint',
  EAI_AGAIN: 'the host name cannot be resolved at the moment (DNS)',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  CERT_HAS_EXPIRED: 'its certificate has expired: renew it there, or name the right CA in OTEL_EXPORTER_OTLP_CERTIFICATE',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: check the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host: use a name it was made for, or the CA and certificate that belong together (OTEL_EXPORTER_OTLP_CERTIFICATE)',
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
};

const byMessage: readonly (readonly [RegExp, string])[] = [
  ...Object.entries(byCode).map(([code, words]) => [new RegExp(`\\b${code}\\b`), words] as const),
  [/wrong version number|packet length too long|http request/i, noTls],
  [/self[- ]signed certificate|unable to verify the first certificate|unable to get (local )?issuer certificate/i, untrusted],
  [/certificate has expired/i, byCode.CERT_HAS_EXPIRED!],
  [/does not match certificate|altnames/i, byCode.ERR_TLS_CERT_ALTNAME_INVALID!],
  [/name resolution failed|getaddrinfo/i, byCode.ENOTFOUND!],
  [/alert (?:unknown ca|bad certificate|certificate (?:expired|revoked|unknown)|unsupported certificate|decrypt error|access denied)/i, 'it does not accept the client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'],
  [/key values mismatch/i, 'the client certificate and its key do not belong together: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'],
  [/must be given with accompanying/i, 'a client certificate goes with its key, and a key with its certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'],
  [/certificate required|handshake failure/i, 'it asks for a client certificate: OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY'],
];

const byStatus: Readonly<Record<number, string>> = {
  401: 'the backend does not accept the credentials: check OTEL_EXPORTER_OTLP_HEADERS',
  403: 'the backend refuses these credentials: check OTEL_EXPORTER_OTLP_HEADERS',
  404: 'nothing takes telemetry at this path: check the endpoint (OTEL_EXPORTER_OTLP_ENDPOINT is the base, /v1/traces is added to it)',
  405: 'this path takes no POST: check the endpoint',
  415: 'the backend does not take this encoding: check the protocol (http/protobuf, http/json)',
};

/** The error at the bottom: Node wraps the attempts at several addresses of one name into one. */
function leaf(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return leaf(error.errors[0]);
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? { code, message: error.message } : { message: error.message };
}
