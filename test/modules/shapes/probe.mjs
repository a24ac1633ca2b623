// The same as probe.cjs from an ES module, which imports before it requires.
import * as http from 'node:http';
import { probe, print } from './probe.cjs';

const found = await probe(['import', 'require']);
print({ ...found, http: [Object.keys(http).length, http.default.request === http.request] });
