/** A process that keeps batches of one item each under a bound, and says how many had to make room. `node keeper.js '{…}'`. */
import { openKeep } from '../../src/export/keep.ts';

export interface KeeperTask {
  readonly state: string;
  readonly bytes: number;
  readonly batches: number;
  readonly batchBytes: number;
  readonly service: string;
}

const { state, bytes, batches, batchBytes, service } = JSON.parse(process.argv[2]!) as KeeperTask;
const destination = { kind: 'otlp', signal: 'traces', protocol: 'http/protobuf', url: 'http://127.0.0.1:9/v1/traces', headers: {}, timeoutMs: 1000, compression: 'none', tls: {}, undelivered: 'keep' } as const;
const keep = openKeep(state, destination, { serviceName: service, environment: null }, { bytes, ageMs: 3600_000 });
const put = (): number => keep.put({ signal: 'traces', count: 1, body: Buffer.alloc(batchBytes) }).length;

let evicted = put();
// All have begun before one goes on: the others are waiting for their input too.
process.stdout.write('begun\n');
process.stdin.once('data', () => {
  for (let i = 1; i < batches; i++) evicted += put();
  process.stdout.write(`evicted ${evicted}\n`);
  process.stdin.destroy();
});
