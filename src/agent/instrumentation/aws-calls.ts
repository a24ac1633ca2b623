import { diag, SpanKind, type Attributes, type Span } from '@opentelemetry/api';
import { findMessages, injectContext } from './aws-messages.ts';

interface Request {
  readonly serviceName: string;
  readonly commandName: string;
  readonly commandInput: Record<string, unknown>;
}
interface Metadata {
  readonly isIncoming: boolean;
  readonly spanName?: string;
  readonly spanKind?: SpanKind;
  readonly spanAttributes?: Attributes;
}
/** What the instrumentation knows of single services. */
interface Services {
  requestPreSpanHook(request: Request, ...rest: unknown[]): Metadata;
  requestPostSpanHook(request: Request): void;
  responseHook(...args: unknown[]): unknown;
}
interface Answer {
  readonly $metadata?: { readonly requestId?: string; readonly extendedRequestId?: string };
}

export const awsOptions = {
  // Messages that came by way of SNS, which puts their attributes into the body unless delivery is raw.
  sqsExtractContextPropagationFromPayload: true,
  responseHook: (span: Span, { response }: { readonly response: { readonly data?: Answer } }) => noteAnswer(span, response.data),
  exceptionHook(span: Span, _: unknown, error: Answer & { readonly name?: string }) {
    noteAnswer(span, error);
    span.setAttribute('error.type', error.name ?? '_OTHER');
  },
};

/**
 * Puts itself between the instrumentation and its knowledge of services: context travels in every message that has
 * room for it, spans say what the conventions ask for, and a failure there is no failure of the application's call.
 * The original changes the input of commands, and one that is frozen ends the process.
 */
export function guardServices(instrumentation: object): void {
  const { servicesExtensions: services } = instrumentation as { readonly servicesExtensions?: Services };
  if (services === undefined) return;
  const before = services.requestPreSpanHook.bind(services);
  const after = services.requestPostSpanHook.bind(services);
  const answered = services.responseHook.bind(services);
  services.requestPreSpanHook = (request, ...rest) =>
    orElse(
      () => describeCall(request, orElse(() => before(request, ...rest), () => before(copyOf(request), ...rest))),
      () => ({ isIncoming: false }),
    );
  services.requestPostSpanHook = (request) =>
    orElse(
      () => {
        const messages = findMessages(nameOf(request), request.commandInput);
        if (messages === null) after(request);
        else injectContext(messages);
      },
      () => undefined,
    );
  services.responseHook = (...args) => orElse(() => answered(...args), () => undefined);
}

function orElse<Result>(attempt: () => Result, fallback: () => Result): Result {
  try {
    return attempt();
  } catch (error) {
    diag.debug('aws-sdk instrumentation failed', error);
    return fallback();
  }
}

const nameOf = ({ serviceName, commandName }: Request): string => `${serviceName}.${commandName}`;

function copyOf(request: Request): Request {
  return { ...request, commandInput: { ...request.commandInput } };
}

const OPERATIONS: Readonly<Record<string, string>> = {
  'SNS.Publish': 'send',
  'SNS.PublishBatch': 'send',
  'SQS.DeleteMessage': 'settle',
  'SQS.DeleteMessageBatch': 'settle',
  'SQS.ReceiveMessage': 'receive',
  'SQS.SendMessage': 'send',
  'SQS.SendMessageBatch': 'send',
};

function describeCall(request: Request, metadata: Metadata): Metadata {
  const { serviceName, commandName, commandInput } = request;
  const attributes: Attributes = { ...metadata.spanAttributes, 'rpc.system.name': 'aws-api' };
  const call = { ...metadata, spanAttributes: attributes };
  if (serviceName === 'DynamoDB') attributes['db.system.name'] = 'aws.dynamodb';
  const operation = OPERATIONS[nameOf(request)];
  if (operation === undefined) return call;

  attributes['messaging.operation.type'] = attributes['messaging.operation.name'] = operation;
  delete attributes['messaging.destination'];
  delete attributes['messaging.destination_kind'];
  if (commandInput.PhoneNumber !== undefined) attributes['messaging.destination.name'] = 'phone_number';
  if (commandName.endsWith('Batch')) attributes['messaging.batch.message_count'] = findMessages(nameOf(request), commandInput)?.length;
  if (commandName !== 'PublishBatch') return call;
  const topic = String(commandInput.TopicArn);
  attributes['messaging.destination.name'] = topic;
  return { ...call, spanKind: SpanKind.PRODUCER, spanName: `${topic.slice(topic.lastIndexOf(':') + 1)} send` };
}

/** Failures have it too, under the names that the instrumentation does not read. */
function noteAnswer(span: Span, answer: Answer | undefined): void {
  const { requestId, extendedRequestId } = answer?.$metadata ?? {};
  if (requestId !== undefined) span.setAttribute('aws.request_id', requestId);
  if (extendedRequestId !== undefined) span.setAttribute('aws.extended_request_id', extendedRequestId);
}
