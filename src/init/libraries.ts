/**
 * Packages that an application names in its package.json, by the instrumentation that traces them. Where a library is patched
 * in an inner package (`@aws-sdk/client-s3` in `@smithy/core`), the outer one stands here.
 */
const packages: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  amqplib: ['amqplib'],
  'aws-sdk': [/^@aws-sdk\/(?:client|lib)-/, 'sqs-consumer'],
  bunyan: ['bunyan'],
  'cassandra-driver': ['cassandra-driver'],
  connect: ['connect'],
  cucumber: ['@cucumber/cucumber'],
  dataloader: ['dataloader'],
  express: ['express'],
  'generic-pool': ['generic-pool'],
  graphql: ['graphql', '@apollo/server'],
  grpc: ['@grpc/grpc-js'],
  hapi: ['@hapi/hapi'],
  http: ['axios', 'got', 'node-fetch', 'superagent', 'needle'],
  ioredis: ['ioredis', 'bullmq'],
  kafkajs: ['kafkajs'],
  knex: ['knex'],
  koa: ['koa'],
  'lru-memoizer': ['lru-memoizer'],
  memcached: ['memcached'],
  mongodb: ['mongodb'],
  mongoose: ['mongoose'],
  mysql: ['mysql'],
  mysql2: ['mysql2'],
  'nestjs-core': ['@nestjs/core'],
  openai: ['openai'],
  oracledb: ['oracledb'],
  pg: ['pg', 'pg-pool'],
  pino: ['pino'],
  redis: ['redis', '@redis/client', '@node-redis/client'],
  restify: ['restify'],
  router: ['router'],
  'socket.io': ['socket.io'],
  tedious: ['tedious', 'mssql'],
  undici: ['undici'],
  winston: ['winston'],
};

/** The instrumentation for a package, or null. */
export function instrumentationOf(name: string): string | null {
  for (const [instrumentation, names] of Object.entries(packages)) {
    if (names.some((known) => (typeof known === 'string' ? known === name : known.test(name)))) return instrumentation;
  }
  return null;
}
