import { context, propagation, type TextMapSetter } from '@opentelemetry/api';

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const MOST_ATTRIBUTES = 10;

type MessageAttributes = Record<string, { readonly DataType: string; readonly StringValue: string }>;
interface Message {
  MessageAttributes?: MessageAttributes;
}

/** Commands that send messages, and where these stand in their input. */
const messagesOf: Readonly<Record<string, (input: Record<string, unknown>) => readonly Message[]>> = {
  'SQS.SendMessage': (input) => [input],
  'SQS.SendMessageBatch': (input) => listOf(input.Entries),
  'SNS.Publish': (input) => [input],
  'SNS.PublishBatch': (input) => listOf(input.PublishBatchRequestEntries),
};

/** The messages that a command sends; null for any other command. */
export function findMessages(command: string, input: Record<string, unknown>): readonly Message[] | null {
  return messagesOf[command]?.(input) ?? null;
}

/**
 * Sends the active context along in each message's attributes, where there is room for it. The application's own
 * attributes are copied: one object may serve for many messages, and may be frozen.
 */
export function injectContext(messages: readonly Message[]): void {
  const carrier: MessageAttributes = {};
  propagation.inject(context.active(), carrier, setter);
  if (Object.keys(carrier).length === 0) return;
  for (const message of messages) {
    const found = message.MessageAttributes;
    const own = (found && ownAttributes.get(found)) ?? found;
    const attributes = { ...own, ...carrier };
    if (Object.keys(attributes).length > MOST_ATTRIBUTES) continue;
    ownAttributes.set(attributes, own ?? {});
    assign(message, attributes);
  }
}

/** By what took their place in a message: it may be sent again, in another context. */
const ownAttributes = new WeakMap<object, MessageAttributes>();

function assign(message: Message, attributes: MessageAttributes): void {
  try {
    message.MessageAttributes = attributes;
  } catch {
    // A message that cannot be changed is sent as it is.
  }
}

const setter: TextMapSetter<MessageAttributes> = {
  set: (carrier, key, value) => void (carrier[key] = { DataType: 'String', StringValue: value }),
};

function listOf(entries: unknown): readonly Message[] {
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'object' && entry !== null) : [];
}
