import { createRequire } from 'node:module';
export const early = 1;
let seen;
try {
  seen = createRequire(import.meta.url)('./cycle.cjs').value;
} catch (error) {
  seen = [error.code, error.message];
}
export { seen };
