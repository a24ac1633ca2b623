import { expect, test } from 'vitest';
import { adviseOnDockerfile } from '../../src/init/dockerfile.ts';

const install = 'RUN npm install --global otel-run';
const plain = 'ENTRYPOINT ["otel-run", "--"]';

test.each<[string, string, object | null]>([
  ['only a CMD', 'FROM node\nCMD ["node", "server.js"]', { install, before: null, entrypoint: plain, replaces: null }],
  ['an ENTRYPOINT', 'FROM node\nENTRYPOINT ["node"]\nCMD ["server.js"]', { entrypoint: 'ENTRYPOINT ["otel-run", "--", "node"]', replaces: { line: 2, text: 'ENTRYPOINT ["node"]' } }],
  ['an ENTRYPOINT for the shell', 'FROM node\nENTRYPOINT node "a b.js"', { entrypoint: 'ENTRYPOINT ["otel-run", "--", "/bin/sh", "-c", "node \\"a b.js\\""]' }],
  ['an empty ENTRYPOINT', 'FROM node\nENTRYPOINT []', { entrypoint: plain, replaces: { line: 2 } }],
  ['the last of two', 'FROM node\nENTRYPOINT ["a"]\nENTRYPOINT ["b"]', { entrypoint: 'ENTRYPOINT ["otel-run", "--", "b"]', replaces: { line: 3 } }],
  ['another user', 'FROM node\nUSER root\nCOPY . .\nUSER node\nCMD ["node", "x"]', { before: 4 }],
  ['stages', 'FROM node AS build\nUSER node\nENTRYPOINT ["tsc"]\nFROM node\nCMD ["node", "x"]', { before: null, entrypoint: plain, replaces: null }],
  ['small letters, comments, continued lines', 'from node\n# ENTRYPOINT ["old"]\nentrypoint ["node", \\\n  # why\n\n  "x.js"]\n', { entrypoint: 'ENTRYPOINT ["otel-run", "--", "node", "x.js"]', replaces: { line: 3 } }],
  ['words in a here-document', 'FROM node\nRUN <<EOF\nENTRYPOINT ["no"]\nEOF\nCMD ["node"]', { replaces: null }],
  ['Windows line ends', 'FROM node\r\nENTRYPOINT ["node"]\r\n', { entrypoint: 'ENTRYPOINT ["otel-run", "--", "node"]' }],
  ['otel-run already', 'FROM node\nENTRYPOINT ["otel-run", "--"]', null],
  ['otel-run in another stage only', 'FROM node AS a\nRUN npx otel-run x\nFROM node\nCMD ["x"]', { entrypoint: plain }],
  ['nothing', '', { entrypoint: plain, replaces: null }],
])('advice on a Dockerfile with %s', (_, text, expected) => {
  const advice = adviseOnDockerfile(text);
  if (expected === null) expect(advice).toBeNull();
  else expect(advice).toMatchObject(expected);
});
