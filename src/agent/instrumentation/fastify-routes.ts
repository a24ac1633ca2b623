import { context } from '@opentelemetry/api';
import { getRPCMetadata, RPCType } from '@opentelemetry/core';
import { subscribe } from 'node:diagnostics_channel';

interface FastifyRequest {
  /** `url`: the route's path with its prefix and parameters; undefined where none matched. */
  readonly routeOptions?: { readonly url?: string };
}

interface Fastify {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void;
}

/**
 * Names the server spans of Fastify applications by their routes. Fastify 4 and later publishes each application
 * that is made; OpenTelemetry's set holds no instrumentation for it, `@fastify/otel` is a plugin of the application.
 */
export function nameFastifyRoutes(): void {
  subscribe('fastify.initialization', (message) => {
    const { fastify } = message as { readonly fastify: Fastify };
    // The first of all hooks: one of the application's may answer in place of the handler.
    fastify.addHook('onRequest', (request, _reply, done) => {
      const metadata = getRPCMetadata(context.active());
      const route = request.routeOptions?.url;
      if (metadata?.type === RPCType.HTTP && route !== undefined) metadata.route = route;
      done();
    });
  });
}
