/**
 * What a Node can do, by name. Elsewhere the code asks for a capability and never compares versions.
 * Each entry is the first version of a release line that has it; later lines have it too unless they are named.
 */
type FirstVersions = readonly (readonly [major: number, minor: number, patch?: number])[];

const never = Infinity;

const capabilities = {
  /** `process.execve`: https://github.com/nodejs/node/pull/56496 */
  execve: [[22, 15], [23, 11]],
  /** `module.registerHooks`: https://github.com/nodejs/node/pull/55698 */
  registerHooks: [[22, 15], [23, 5]],
  /**
   * `registerHooks` fit for import-in-the-middle: a load hook may answer for a CommonJS module without its source.
   * https://github.com/nodejs/node/pull/59929
   */
  importHookInSync: [[22, 22, 3], [23, never], [24, 11, 1], [25, 1]],
  /** `module.enableCompileCache`: https://github.com/nodejs/node/pull/54501 */
  compileCache: [[22, 8]],
} as const satisfies Record<string, FirstVersions>;

export type NodeCapability = keyof typeof capabilities;

/** Whether the Node of this version (`process.versions.node`) has a capability. */
export function nodeHas(capability: NodeCapability, version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const firsts: FirstVersions = capabilities[capability];
  const ofLine = firsts.find(([line]) => line === major);
  if (ofLine === undefined) return firsts.some(([line]) => line < major);
  const [, firstMinor, firstPatch = 0] = ofLine;
  return minor > firstMinor || (minor === firstMinor && patch >= firstPatch);
}
