// Three pools of pg, two of them of one database: connections that are used, idle and waited for, until SIGUSR2.
const { Pool } = require('pg');
const { DATABASE_URL } = process.env;
const one = new Pool({ connectionString: DATABASE_URL, max: 2 });
const same = new Pool({ connectionString: DATABASE_URL, max: 4 });
const other = new Pool({ connectionString: DATABASE_URL.replace(/[^/]*$/, 'template1'), max: 3 });
setInterval(() => {}, 1000);
void (async () => {
  const borrowed = [await one.connect(), await one.connect(), await same.connect(), await other.connect()];
  await Promise.all([same.query('SELECT 1')]);
  const waiting = [one.query('SELECT 1'), one.query('SELECT 2')];
  console.log('borrowed');
  process.once('SIGUSR2', async () => {
    for (const client of borrowed) client.release();
    await Promise.all(waiting);
    await Promise.all([one.end(), same.end(), other.end()]);
    console.log('ended');
  });
})();
