// One resource of a pool, taken and given back: a span where it is traced.
const { createPool } = require('generic-pool');

exports.borrow = async (name) => {
  const pool = createPool({ create: async () => ({ name }), destroy: async () => {} }, { max: 1 });
  const resource = await pool.acquire();
  await pool.release(resource);
  await pool.drain();
  await pool.clear();
  return resource.name;
};
