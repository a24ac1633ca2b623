import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * OpenTelemetry's packages read a handful of names from @opentelemetry/semantic-conventions, which defines
 * thousands, one statement each, at start. Here the names' values take their place, and the package is only
 * bundled where something else of it is used.
 */
export function inlineConventions(root) {
  const conventions = createRequire(join(root, 'package.json'))('@opentelemetry/semantic-conventions');
  return {
    name: 'inline-conventions',
    setup(bundler) {
      bundler.onLoad({ filter: /node_modules\/@opentelemetry\/[^/]+\/build\/src\/.*\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const statement = /^const (\w+) = require\("@opentelemetry\/semantic-conventions"\);$/m.exec(text);
        if (statement === null) return undefined;
        const [line, variable] = statement;
        const body = text.replace(line, '').replace(new RegExp(`\\b${variable}\\.(\\w+)`, 'g'), (use, name) => {
          const value = conventions[name];
          return typeof value === 'string' || typeof value === 'number' ? JSON.stringify(value) : use;
        });
        const isUsed = new RegExp(`\\b${variable}\\b`).test(body);
        return { contents: isUsed ? `${line}\n${body}` : body, loader: 'js' };
      });
    },
  };
}
