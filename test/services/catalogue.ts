import * as collector from './collector.ts';
import type { Collector } from './collector.ts';
import * as jaeger from './jaeger.ts';
import type { Jaeger } from './jaeger.ts';
import * as kafka from './kafka.ts';
import type { Kafka } from './kafka.ts';
import * as moto from './moto.ts';
import type { Moto } from './moto.ts';
import * as postgres from './postgres.ts';
import type { Postgres } from './postgres.ts';
import * as prometheus from './prometheus.ts';
import type { Prometheus } from './prometheus.ts';
import * as redis from './redis.ts';
import type { Redis } from './redis.ts';
import type { Service } from './server.ts';

/** Every real server that tests may ask for, with what a test learns of it. */
export type Addresses = {
  readonly postgres: Postgres;
  readonly redis: Redis;
  readonly kafka: Kafka;
  readonly moto: Moto;
  readonly collector: Collector;
  readonly jaeger: Jaeger;
  readonly prometheus: Prometheus;
};

export type ServiceName = keyof Addresses;

export const services: { readonly [Name in ServiceName]: Service<Addresses[Name]> } = {
  postgres,
  redis,
  kafka,
  moto,
  collector,
  jaeger,
  prometheus,
};

export const serviceNames = Object.keys(services) as ServiceName[];
