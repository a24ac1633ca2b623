export { run as 'module.exports' };
export function run() {}
