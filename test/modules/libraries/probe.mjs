// The same as probe.cjs from an ES module, which imports before it requires.
import { probe, print } from './probe.cjs';

print(await probe(['import', 'require'], process.argv.slice(2)));
