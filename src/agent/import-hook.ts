// A file of its own in dist/agent, because few applications need it: the agent requires it when one does.
export { createHook, supportsSyncHooks } from 'import-in-the-middle/create-hook.mjs';
