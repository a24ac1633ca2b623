/** The Node release that rows are played on. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { ensureNodes } from '../../scripts/setup/nodes.mjs';

export interface Node {
  readonly path: string;
  /** `24.1.0` */
  readonly version: string;
}

/** `floor` and `newest` of the tested releases, one of their names, or a path. */
export async function nodeCalled(name: string): Promise<Node> {
  const tested = await ensureNodes();
  if (name !== 'floor' && name !== 'newest') return describe(tested[name] ?? resolve(name));
  const all = Object.values(tested).map(describe).sort((one, other) => byNumber.compare(one.version, other.version));
  return all.at(name === 'floor' ? 0 : -1)!;
}

const byNumber = new Intl.Collator('en', { numeric: true });

function describe(path: string): Node {
  return { path, version: execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8', env: {} }).trim() };
}
