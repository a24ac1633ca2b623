/** Credentials, authorities and keys that are renewed while the application runs are read again: nothing is lost, nobody restarts anything. */
import { copyFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followHeaders, followTlsFiles } from '../../src/export/follow-files.ts';
import { makeCertificates, startReceiver, type Receiver, type ReceiverOptions } from '../harness/receiver.ts';
import { drain, exportersOf, makePlace, numberedScript, startNumbered, topologies, until as untilFound } from './runs.ts';
import { makeRoom, otlp } from './room.ts';

const protocols = ['http/protobuf', 'grpc'] as const;
type Protocol = (typeof protocols)[number];

async function receive(options: ReceiverOptions = {}): Promise<Receiver> {
  const receiver = await startReceiver(options);
  onTestFinished(() => receiver.close());
  return receiver;
}

const urlOf = (receiver: Receiver, protocol: Protocol): string => (protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl);

/** As a renewal should be done: whoever reads sees the old one or the new one. */
function replaceFile(path: string, by: string): void {
  copyFileSync(by, `${path}.new`);
  renameSync(`${path}.new`, path);
}

test.each(protocols.flatMap((protocol) => topologies.map((topology) => [protocol, topology] as const)))('%s, %s: a token from a file is read again when the backend takes the old one no more', async (protocol, topology) => {
  const place = makePlace();
  onTestFinished(() => place.remove());
  const required = { name: 'x-token', value: 'old' };
  const receiver = await receive({ requireHeader: required });
  const token = join(place.home, 'token');
  writeFileSync(token, 'old\n');
  const env = { ...place.env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: urlOf(receiver, protocol) };
  const options = ['--header', `x-token=@${token}`];
  const program = startNumbered([1, 1, 'burst', 100, 1, 20], env, topology, numberedScript, options);
  await receiver.waitForSpans(1);
  writeFileSync(`${token}.next`, 'new\n');
  replaceFile(token, `${token}.next`);
  required.value = 'new';
  expect(await program.ended).toMatchObject({ stderr: '', exitCode: 0 });
  await receiver.waitForSpans(100);
  expect([receiver.missing(100), receiver.twice()]).toEqual([[], []]);
  expect(new Set(receiver.requests.filter(({ accepted }) => accepted).map(({ headers }) => headers['x-token']))).toEqual(new Set(['old', 'new']));
  // Those that were under way when the backend changed its mind.
  for (const { accepted, headers } of receiver.requests) if (!accepted) expect(headers['x-token']).toBe('old');
  await untilFound(() => exportersOf(place), (found) => found.length === 0);

  // What is kept is the file's, not one token's: the next token sends it.
  receiver.misbehave({ kind: 'status', status: 503 });
  await startNumbered([101, 110], env, 'parent', numberedScript, options).ended;
  receiver.behave();
  writeFileSync(token, 'newest\n');
  required.value = 'newest';
  expect(await drain(env, ...options)).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('10 spans sent') });
  expect(receiver.missing(110)).toEqual([]);
});

test('an authority that signs the next certificate is trusted when its file is there, by HTTP and gRPC', async () => {
  const room = makeRoom();
  const [ours, other] = [makeCertificates(room.subdirectory('ours')), makeCertificates(room.subdirectory('other'))];
  const receiver = await receive({ tls: { cert: ours.cert, key: ours.key } });
  const ca = join(room.dir, 'ca.pem');
  copyFileSync(other.ca, ca);
  const exporter = room.supervise(room.plan({ destinations: protocols.map((protocol) => otlp(urlOf(receiver, protocol), { protocol, tls: { ca } })) }));
  await room.write({ from: 1, to: 20 });
  for (const protocol of protocols) await room.noticed(new RegExp(`${urlOf(receiver, protocol)}.* not trusted here`));
  expect(receiver.requests).toEqual([]);
  replaceFile(ca, ours.ca);
  await receiver.waitForSpans(40);
  expect((await exporter.drain()).destinations.map(({ delivered }) => delivered)).toEqual([20, 20]);
});

test('a client certificate and its key are read again, also where one is there before the other, by HTTP and gRPC', async () => {
  const room = makeRoom();
  const [ours, other] = [makeCertificates(room.subdirectory('ours')), makeCertificates(room.subdirectory('other'))];
  const receiver = await receive({ tls: { cert: ours.cert, key: ours.key, clientCa: ours.ca } });
  const [cert, key] = [join(room.dir, 'client.pem'), join(room.dir, 'client.key')];
  copyFileSync(ours.clientCert, cert);
  copyFileSync(other.clientKey, key);
  const exporter = room.supervise(room.plan({ destinations: protocols.map((protocol) => otlp(urlOf(receiver, protocol), { protocol, tls: { ca: ours.ca, cert, key } })) }));
  await room.write({ from: 1, to: 20 });
  for (const protocol of protocols) await room.noticed(new RegExp(`${urlOf(receiver, protocol)}.* certificate and its key do not belong together`));
  replaceFile(key, ours.clientKey);
  await receiver.waitForSpans(40);
  expect((await exporter.drain()).destinations.map(({ delivered }) => delivered)).toEqual([20, 20]);
});

test('files that are gone for a moment leave what they held; one that was never there is said', () => {
  const room = makeRoom();
  const [ca, token] = [join(room.dir, 'ca.pem'), join(room.dir, 'token')];
  const destination = otlp('https://localhost:1', { tls: { ca }, headers: { 'x-token': 'first', 'x-other': 'stays' }, headerFiles: { 'x-token': token } });
  const [tls, headers] = [followTlsFiles(destination), followHeaders(destination)];
  expect(() => tls.current()).toThrow(/ENOENT/);
  writeFileSync(token, 'zero');
  const first = headers.current();
  writeFileSync(ca, 'one');
  writeFileSync(token, ' second\n');
  tls.lookAgain();
  headers.lookAgain();
  // What one request has found, another one that was under way has not sent.
  expect([headers.hasChangedSince(first), headers.hasChangedSince(headers.current())]).toEqual([true, false]);
  expect([tls.current(), headers.current()]).toEqual([{ ca: Buffer.from('one') }, { 'x-token': 'second', 'x-other': 'stays' }]);
  for (const path of [ca, token]) renameSync(path, `${path}.away`);
  tls.lookAgain();
  headers.lookAgain();
  expect([tls.current(), headers.current()]).toEqual([{ ca: Buffer.from('one') }, { 'x-token': 'second', 'x-other': 'stays' }]);
  writeFileSync(token, 'with\na line break');
  headers.lookAgain();
  expect(headers.current()).toEqual({ 'x-token': 'first', 'x-other': 'stays' });
});
