import { lengthDelimited } from '../request.ts';
import { version } from '../version.ts';

/** `scope = 1` of what the exporter itself has to say, in metrics and log records alike. */
export function ownScope(): Buffer {
  return lengthDelimited(0x0a, Buffer.concat([lengthDelimited(0x0a, Buffer.from('otel-run')), lengthDelimited(0x12, Buffer.from(version()))]));
}
