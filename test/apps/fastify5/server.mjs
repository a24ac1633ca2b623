import { createRequire } from 'node:module';
import fastify from 'fastify';

createRequire(import.meta.url)('../fastify-server.cjs')(fastify);
