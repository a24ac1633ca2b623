import { hostname } from 'node:os';
import pool from 'generic-pool';

export const take = async (name) => {
  const own = pool.createPool({ create: async () => ({ name }), destroy: async () => {} }, { max: 1 });
  const resource = await own.acquire();
  await own.release(resource);
  await own.drain();
  await own.clear();
  return [resource.name, name === 'real' ? '' : hostname()];
};
export default take;
