import type { Meter } from '@opentelemetry/api';

const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** The instrumentation's instruments have no unit. https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/ */
export function unitsOfKafka(target: object): void {
  const instrumentation = target as { readonly meter: Meter };
  const { meter } = instrumentation;
  const duration = { unit: 's', advice: { explicitBucketBoundaries: BOUNDARIES } };
  Object.assign(instrumentation, {
    _clientDuration: meter.createHistogram('messaging.client.operation.duration', { ...duration, description: 'Duration of messaging operation initiated by a producer or consumer client.' }),
    _processDuration: meter.createHistogram('messaging.process.duration', { ...duration, description: 'Duration of processing operation.' }),
    _sentMessages: meter.createCounter('messaging.client.sent.messages', { unit: '{message}', description: 'Number of messages producer attempted to send to the broker.' }),
    _consumedMessages: meter.createCounter('messaging.client.consumed.messages', { unit: '{message}', description: 'Number of messages that were delivered to the application.' }),
  });
}
