export let live = 1;
export const raise = () => live++;
export default { part: true };
