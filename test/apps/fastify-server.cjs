// A Fastify application that asks itself for a few routes. Usage: node fastify5/server.cjs
const { get } = require('node:http');

module.exports = async function serve(fastify) {
  const app = fastify();
  app.get('/u/:id', async () => 'user');
  await app.register(
    async (items) => {
      items.get('/:item', async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        return { item: request.params.item };
      });
    },
    { prefix: '/shops/:shop/items' },
  );
  app.get('/refused', { onRequest: async (request, reply) => reply.code(401).send('no') }, async () => 'never');
  app.get('/fails', async () => {
    throw new Error('on purpose');
  });

  await app.listen({ port: 0, host: '127.0.0.1' });
  const ask = (path) => new Promise((resolve) => get({ port: app.server.address().port, path, agent: false }, (response) => response.resume().on('end', resolve)));
  for (const path of ['/u/7', '/shops/a/items/b?q=1', '/refused', '/fails', '/nowhere', '/u/last']) await ask(path);
  await app.close();
};
