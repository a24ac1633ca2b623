/** What people read when a backend does not take what it is given, and that the end waits for no backend: the built command line. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startReceiver, type Receiver } from '../harness/receiver.ts';
import { drain, makePlace, runNumbered, type Place } from './runs.ts';

let place: Place;
let receiver: Receiver;
beforeEach(async () => {
  place = makePlace();
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  place.remove();
});

describe.each(['http/protobuf', 'grpc'])('%s', (protocol) => {
  const envOf = () => ({ ...place.env, OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: protocol === 'grpc' ? receiver.grpcUrl : receiver.httpUrl });

  test('a Retry-After beyond the end does not hold the end up', async () => {
    receiver.misbehave({ kind: 'status', status: 429, grpc: 8, retryAfterMs: 3600_000 });
    const began = Date.now();
    const { stderr, exitCode } = await runNumbered([1, 100, 'wait', 300], envOf());
    expect(Date.now() - began).toBeLessThan(3000);
    expect({ exitCode, lines: stderr.split('\n').length }).toEqual({ exitCode: 0, lines: 2 });
    expect(stderr).toMatch(/^otel-run: 100 spans for http:\/\/127\.0\.0\.1:\d+(\/v1\/traces)? kept for the next run or `otel-run drain`: /);
    receiver.behave();
    expect((await drain(envOf())).exitCode).toBe(0);
    expect([receiver.missing(100), receiver.twice()]).toEqual([[], []]);
  });

  test('kept in larger requests than the backend takes: drained in pieces', async () => {
    receiver.misbehave({ kind: 'status', status: 503 });
    await runNumbered([1, 3000], envOf());
    receiver.misbehave({ kind: 'limit', items: 100 });
    expect(await drain(envOf())).toMatchObject({ stderr: expect.stringContaining('3000 spans sent'), exitCode: 0 });
    expect([receiver.missing(3000), receiver.twice(), place.kept()]).toEqual([[], [], []]);
  });

  test('400 (INVALID_ARGUMENT): not tried again, said and counted', async () => {
    receiver.misbehave({ kind: 'status', status: 400, grpc: 3, body: 'spans must be green', message: 'spans must be green' });
    const { stderr, exitCode } = await runNumbered([1, 100, 'wait', 300], envOf());
    expect(receiver.requests.length).toBe(1);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('100 spans');
    expect(stderr).toContain('spans must be green');
    expect(place.kept()).toEqual([]);
  });

  test('401 (UNAUTHENTICATED): says which setting', async () => {
    receiver.misbehave({ kind: 'status', status: 401, grpc: 16 });
    const { stderr } = await runNumbered([1, 100], { ...envOf(), OTEL_EXPORTER_OTLP_HEADERS: 'x-token=very-secret' });
    expect(stderr).toContain('check OTEL_EXPORTER_OTLP_HEADERS');
    expect(stderr).toContain('100 spans');
    expect(stderr).not.toContain('very-secret');
  });

  test('partial success: counted and said', async () => {
    receiver.misbehave({ kind: 'partial', rejected: 7, message: 'seven are \u001b[31mtoo old\n' });
    const { stderr, exitCode } = await runNumbered([1, 100], envOf());
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^otel-run: 7 spans for .* lost: refused by the backend: seven are {2}\[31mtoo old\n$/);
    expect(receiver.missing(100)).toHaveLength(7);
  });

  test('no answer: kept, the end is not held up beyond two seconds', async () => {
    receiver.misbehave({ kind: 'hang' });
    const began = Date.now();
    const { stderr, exitCode } = await runNumbered([1, 100], envOf());
    expect(Date.now() - began).toBeLessThan(4000);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^otel-run: 100 spans for .* kept for the next run or `otel-run drain`/);
    expect(place.kept()).toHaveLength(1);
  });
});

test('a redirect is never followed', async () => {
  const elsewhere = await startReceiver();
  receiver.misbehave({ kind: 'redirect', to: `${elsewhere.httpUrl}/v1/traces` });
  const { stderr } = await runNumbered([1, 100], { ...place.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_EXPORTER_OTLP_HEADERS: 'x-token=very-secret' });
  expect(stderr).toContain('100 spans');
  expect(stderr).toContain('redirect');
  expect(elsewhere.requests).toEqual([]);
  await elsewhere.close();
});
