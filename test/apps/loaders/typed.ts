// Compiled on the way by ts-node.
// Usage: node --require ts-node/register typed.ts
import { join } from 'node:path';
import { colour, Colour } from './hooked/colours';
import { borrow } from './pool.cjs';

interface Taken {
  readonly name: string;
}

const taken = async (name: string): Promise<Taken> => ({ name: await borrow(name) });

taken(colour(Colour.Red)).then((found: Taken) => {
  console.log(found, Object.keys(require.cache).filter((file) => file.startsWith(__dirname)).map((file) => file.slice(join(__dirname, '/').length)));
  if (process.argv.includes('throw')) throw new TypeError(found.name);
});
