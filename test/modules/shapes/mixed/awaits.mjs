export const value = await Promise.resolve('awaited');
await new Promise((resolve) => setTimeout(resolve, 1));
export default value;
