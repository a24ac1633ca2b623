// Usage: node registers.cjs
require('ts-node').register({ transpileOnly: true, compilerOptions: { module: 'commonjs' } });
require('./typed.ts');
