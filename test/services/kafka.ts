import { connect } from 'node:net';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../scripts/setup/command.mjs';
import { ensureMade, requireProgram } from './programs.ts';
import { findFreePort, makeServerDir, startServer } from './server.ts';
import type { Server } from './server.ts';

/** A single broker in KRaft mode; topics come into being at their first use. */
export type Kafka = { readonly host: string; readonly port: number; readonly brokers: readonly string[] };

const recipe = fileURLToPath(new URL('./kafka/', import.meta.url));
const jvmOptions = [
  '-Xms64m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];
const clusterId = 'MkU3OEVBNTcwNTJENDM2Qk';

export async function prepare(): Promise<void> {
  await requireProgram('java', 'default-jre-headless');
  await ensureJars();
}

export async function start(): Promise<Server<Kafka>> {
  const java = await requireProgram('java', 'default-jre-headless');
  const classPath = path.join(await ensureJars(), 'lib', '*');
  const dir = makeServerDir('kafka');
  const [port, controllerPort] = [await findFreePort(), await findFreePort()];
  const properties = path.join(dir, 'server.properties');
  writeFileSync(
    properties,
    readFileSync(path.join(recipe, 'server.properties'), 'utf8')
      .replaceAll('BROKER_PORT', String(port))
      .replaceAll('CONTROLLER_PORT', String(controllerPort))
      .replaceAll('DIR', dir),
  );
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
  await runCommand(java, [...jvmOptions, '-cp', classPath, ...format], { cwd: dir });
  return startServer(
    {
      name: 'kafka',
      command: java,
      args: [...jvmOptions, '-cp', classPath, 'kafka.Kafka', properties],
      dir,
      stopSignal: 'SIGKILL', // two seconds quicker than SIGTERM, and the data goes anyway
      isReady: async () => (await readKafkaMetadata(port)).brokers.length === 1,
    },
    { host: '127.0.0.1', port, brokers: [`127.0.0.1:${port}`] },
  );
}

export type KafkaMetadata = { readonly brokers: readonly string[]; readonly topicErrors: Readonly<Record<string, number>> };

/** Asks for the cluster's metadata (version 1); topics that are named are made by the asking. */
export async function readKafkaMetadata(port: number, topics: readonly string[] = []): Promise<KafkaMetadata> {
  const METADATA = 3;
  const header = Buffer.concat([int16(METADATA), int16(1), int32(7), int16(-1)]);
  const answer = await exchange(port, Buffer.concat([header, int32(topics.length), ...topics.map(text)]));
  let at = 4; // after the correlation id
  const readInt16 = (): number => answer.readInt16BE((at += 2) - 2);
  const readInt32 = (): number => answer.readInt32BE((at += 4) - 4);
  const readText = (): string => {
    const length = Math.max(readInt16(), 0);
    return answer.toString('utf8', at, (at += length));
  };
  const brokers = Array.from({ length: readInt32() }, () => {
    readInt32();
    const address = `${readText()}:${readInt32()}`;
    readText();
    return address;
  });
  readInt32(); // controller
  const topicErrors: Record<string, number> = {};
  for (let left = readInt32(); left > 0; left--) {
    const error = readInt16();
    topicErrors[readText()] = error;
    at += 1; // is internal
    for (let partitions = readInt32(); partitions > 0; partitions--) {
      at += 10; // error, partition, leader
      for (const _list of ['replicas', 'in sync']) at += 4 * readInt32();
    }
  }
  return { brokers, topicErrors };
}

async function ensureJars(): Promise<string> {
  return ensureMade('kafka', { folder: recipe }, async (folder) => {
    const maven = await requireProgram('mvn', 'maven');
    console.log('services: fetching Kafka, once (about 10 seconds)');
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${path.join(folder, 'lib')}`];
    await runCommand(maven, ['-B', '-q', '-f', path.join(recipe, 'pom.xml'), ...goal]);
  });
}

function exchange(port: number, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([int32(request.length), request])));
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer from Kafka within 5 s')));
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return;
      resolve(answer.subarray(4));
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Kafka closed the connection without an answer')));
  });
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}
