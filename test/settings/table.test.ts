import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { destinationMarkdown, settingsMarkdown, settingsTable } from '../../src/settings/document.ts';
import { flagTable } from '../../src/settings/flags.ts';
import { INSTRUMENTATION_NAMES } from '../../src/settings/instrumentation-names.ts';
import { OTEL_NAMES, OTEL_RUN_NAMES } from '../../src/settings/known-names.ts';
import { jsonSchema } from '../../src/settings/schema.ts';
import { table, type Setting } from '../../src/settings/table.ts';

const settings = Object.entries<Setting>(table);

test('the flags of the command line', () => {
  expect(flagTable.map(({ form }) => form).sort()).toEqual([
    '--config <file>', '--dry-run', '--endpoint <url>', '--environment <name>', '--header <name=@file>', '--in-process',
    '--instrument <names>', '--json', '--keep-env', '--logs <exporters>', '--metrics <exporters>', '--no-config', '--no-instrument <names>', '--print', '--propagators <names>',
    '--protocol <name>', '--quiet', '--resource <key=value>', '--sample <ratio>', '--sampler <name>', '--service-name <name>',
    '--service-version <version>', '--strict', '--term-delay <seconds>', '--traces <exporters>', '--verbose', '--wait',
  ]);
  expect(flagTable.filter(({ repeatable }) => repeatable).map(({ name }) => name)).toEqual(['resource', 'header']);
});

test('every flag has a variable, every variable one setting', () => {
  expect(settings.filter(([, { flag, env }]) => flag !== undefined && env.length === 0)).toEqual([]);
  const names = settings.flatMap(([, { env }]) => env);
  expect(names).toEqual([...new Set(names)]);
  expect(names.filter((name) => !/^OTEL_[A-Z_]+$/.test(name))).toEqual([]);
});

test('no key is the beginning of another: the file could not hold both', () => {
  const keys = settings.flatMap(([key, { inFile }]) => (inFile === false ? [] : [key]));
  expect(keys.filter((key) => keys.some((other) => other.startsWith(`${key}.`)))).toEqual([]);
});

test('a variable of the specification is known, and those of the table among them', () => {
  for (const [, { env }] of settings) for (const name of env) expect(OTEL_NAMES.has(name) || OTEL_RUN_NAMES.has(name)).toBe(true);
  expect([...OTEL_NAMES].filter((name) => !name.startsWith('OTEL_') || name.startsWith('OTEL_RUN_'))).toEqual([]);
});

test('the instrumentations are those that auto-instrumentations-node carries', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../node_modules/@opentelemetry/auto-instrumentations-node/package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
  const carried = Object.keys(manifest.dependencies).flatMap((name) => (name.startsWith('@opentelemetry/instrumentation-') ? [name.slice('@opentelemetry/instrumentation-'.length)] : []));
  expect([...INSTRUMENTATION_NAMES].sort()).toEqual(carried.sort());
});

test('the schema holds each key of the file, and no other', () => {
  const keys: string[] = [];
  const walk = (schema: { properties?: Record<string, object>; additionalProperties?: unknown }, path: string): void => {
    if (schema.properties === undefined) return void keys.push(path);
    expect(schema.additionalProperties).toBe(false);
    for (const [key, inner] of Object.entries(schema.properties)) walk(inner, path === '' ? key : `${path}.${key}`);
  };
  walk(jsonSchema(), '');
  expect(keys.sort()).toEqual(settings.flatMap(([key, { inFile }]) => (inFile === false ? [] : [key])).sort());
});

test('help fits its line', () => {
  expect(settingsTable().filter(({ help, flag }) => flag !== null && help.length > 72)).toEqual([]);
});

/** `npm test -- test/settings/table.test.ts -u` writes the page anew. */
test('docs/settings.md is what the table says', async () => {
  const page = `# Settings

Flags come first, then \`OTEL_RUN_…\` variables, then \`OTEL_…\` variables, then the config file, then what the project says, then the default. Resource attributes and headers are merged entry by entry. \`otel-run --dry-run <command>\` shows each value with its origin.

The config file is YAML or JSON, searched from the working directory up to the first folder with a \`package.json\` or \`.git\`, or home: \`otel-run.config.{yaml,yml,json}\`, \`.otel-runrc{,.yaml,.yml,.json}\`, \`.config/otel-run.{yaml,yml,json}\`, or the key \`otel-run\` in \`package.json\`. In its values \`\${VAR}\` and \`\${VAR:-default}\` are replaced from the environment; \`$$\` is a dollar sign. What is found is data and never run; a file that other users may write, or that belongs to one, is not used ([when exactly](secrets.md#config-files)). \`--config\` may name a module (\`.mjs\`, \`.js\`, \`.ts\`) whose default export holds the settings. Dots in the keys below are levels: \`traces.sampler\` is \`traces: { sampler: … }\`.

${settingsMarkdown()}
## Several backends

\`destinations\` of the config file names further OTLP backends. Each gets what is exported by \`otlp\`, beside the backend of \`otlp.endpoint\` where one is set, with its own retries, and its own part of what is kept.

\`\`\`yaml
destinations:
  vendor:
    endpoint: https://otlp.vendor.example
    headers: { api-key: '\${VENDOR_KEY}' }
    compression: gzip
  own:
    endpoint: http://collector:4317
    protocol: grpc
    signals: [traces, logs]
\`\`\`

${destinationMarkdown()}
Nothing is taken over from \`otlp\`: its headers are for its own backend.
`;
  await expect(page).toMatchFileSnapshot('../../docs/settings.md');
});
