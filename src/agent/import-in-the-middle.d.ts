declare module 'import-in-the-middle/create-hook.mjs' {
  interface ImportHook {
    applyOptions(options: { shouldInclude(url: string, specifier: string): boolean }): void;
    readonly initialize: (data: unknown) => Promise<void>;
    readonly resolve: unknown;
    readonly load: unknown;
    readonly resolveSync: unknown;
    readonly loadSync: unknown;
  }
  export function createHook(meta: { url: string }): ImportHook;
  export function supportsSyncHooks(): boolean;
}
