import { destinationTable } from './destination-table.ts';
import { table, type Setting } from './table.ts';
import { viewsSchema } from './views.ts';

interface Schema {
  [keyword: string]: unknown;
  properties?: Record<string, Schema>;
}

/** JSON schema of the config file, for editors. Any scalar may be a `${VARIABLE}` as well. */
export function jsonSchema(): Readonly<Record<string, unknown>> {
  const root: Schema = { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'otel-run', ...branch() };
  for (const [key, setting] of Object.entries<Setting>(table)) {
    if (setting.inFile === false) continue;
    const parts = key.split('.');
    let parent = root;
    for (const part of parts.slice(0, -1)) parent = (parent.properties![part] ??= branch());
    parent.properties![parts.at(-1)!] = { description: setting.help, ...describe(setting) };
  }
  return root;
}

function branch(): Schema {
  return { type: 'object', additionalProperties: false, properties: {} };
}

const REFERENCE = { type: 'string', pattern: '\\$\\{' };

function describe(setting: Setting): Schema {
  const standard = setting.default === null || typeof setting.default === 'object' && !Array.isArray(setting.default) ? {} : { default: setting.default };
  return { ...describeType(setting), ...standard };
}

function describeType(setting: Setting): Schema {
  switch (setting.type) {
    case 'enum':
      return { anyOf: [{ enum: setting.values }, REFERENCE] };
    case 'boolean':
      return { anyOf: [{ type: 'boolean' }, REFERENCE] };
    case 'integer':
      return { anyOf: [{ type: 'integer', minimum: setting.min, ...('max' in setting && { maximum: setting.max }) }, REFERENCE] };
    case 'duration':
      return { anyOf: [{ type: 'integer', minimum: ('min' in setting && setting.min) || 0 }, REFERENCE] };
    case 'seconds':
      return { anyOf: [{ type: ['number', 'string'], minimum: 0 }, REFERENCE] };
    case 'ratio':
      return { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, REFERENCE] };
    case 'list': {
      const word: Schema = setting.values === undefined ? { type: 'string' } : { anyOf: [{ enum: setting.values }, { type: 'string' }] };
      return { anyOf: [{ type: 'array', items: word }, { type: 'string' }] };
    }
    case 'map':
      return { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };
    case 'headers':
      return { type: 'object', additionalProperties: { type: 'string' } };
    case 'options':
      return { type: 'object', additionalProperties: { type: 'object' } };
    case 'destinations': {
      const properties = Object.fromEntries(Object.entries<Setting>(destinationTable).map(([part, own]) => [part, { description: own.help, ...describe(own) }]));
      return { type: 'object', additionalProperties: { type: 'object', additionalProperties: false, required: ['endpoint'], properties } };
    }
    case 'views':
      return viewsSchema();
    case 'bytes':
      return { type: ['integer', 'string'] };
    case 'string':
    case 'path':
    case 'url':
      return { type: ['string', 'number'] };
  }
}
