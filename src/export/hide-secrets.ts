import type { OtlpDestination } from '../plan/types.ts';
import { followHeaders } from './follow-files.ts';
import type { Exporter, ExportOutcome } from './types.ts';

/** Shorter ones are words that anybody may use. */
const SHORTEST = 4;

/** `exporter`, whose words hold nothing of the credentials: a backend, or a proxy on the way, may quote what it was sent. */
export function hideSecrets(exporter: Exporter, destination: OtlpDestination): Exporter {
  const headers = followHeaders(destination);
  const fixed = [...secretsOfUrl(destination.url), ...secretsOfProxy(destination)];
  const hide = (text: string): string => {
    const secrets = [...fixed, ...secretsOfHeaders(destination.headers), ...secretsOfHeaders(headers.current())];
    return hideIn(text, secrets);
  };
  return {
    name: exporter.name,
    close: () => exporter.close(),
    export: async (batch, signal) => clean(await exporter.export(batch, signal), hide),
  };
}

/** Each secret, also one that was cut off at the end, becomes `***`. */
export function hideIn(text: string, secrets: readonly string[]): string {
  const longestFirst = [...new Set(secrets)].filter(({ length }) => length >= SHORTEST).sort((a, b) => b.length - a.length);
  let hidden = text;
  for (const secret of longestFirst) hidden = hidden.replaceAll(secret, '***');
  if (!hidden.endsWith('…')) return hidden;
  for (const secret of longestFirst) {
    for (let length = secret.length - 1; length >= SHORTEST; length--) {
      const end = `${secret.slice(0, length)}…`;
      if (hidden.endsWith(end)) return `${hidden.slice(0, -end.length)}***…`;
    }
  }
  return hidden;
}

/** Whole values, their words (`Bearer …`), what `Basic` stands for, and each as JSON and URLs write it. */
export function secretsOfHeaders(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers).flatMap((value) => {
    const words = value.split(/[\s,;]+/);
    const basic = words[0]?.toLowerCase() === 'basic' ? Buffer.from(words[1] ?? '', 'base64').toString('utf8') : '';
    return [value, ...words.slice(words.length > 1 ? 1 : 0), basic, ...basic.split(':').slice(1)].flatMap(forms);
  });
}

function secretsOfUrl(text: string): string[] {
  try {
    const url = new URL(text);
    return [decodeURIComponent(url.password), ...url.searchParams.values()].flatMap(forms);
  } catch {
    return [];
  }
}

function secretsOfProxy({ proxy }: OtlpDestination): string[] {
  const { credentials } = proxy ?? {};
  return credentials === undefined ? [] : [...credentials.split(':').slice(1), Buffer.from(credentials).toString('base64')].flatMap(forms);
}

function forms(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

function clean(outcome: ExportOutcome, hide: (text: string) => string): ExportOutcome {
  if ('reason' in outcome) return { ...outcome, reason: hide(outcome.reason) };
  return outcome.message === undefined ? outcome : { ...outcome, message: hide(outcome.message) };
}
