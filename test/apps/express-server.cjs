// An Express application that asks itself for a few routes. Usage: node express5/server.cjs
const { get } = require('node:http');

module.exports = function serve(express) {
  const app = express();
  app.use(function passes(req, res, next) {
    next();
  });
  app.get('/u/:id', (req, res) => void res.send('user'));
  const items = express.Router();
  items.get('/:item', async (req, res) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    res.json({ item: req.params.item });
  });
  app.use('/shops/:shop/items', items);
  app.get('/fails', () => {
    throw new Error('on purpose');
  });
  app.use((error, req, res, next) => void res.status(500).send(error.message));

  const server = app.listen(0, '127.0.0.1', async () => {
    const ask = (path) => new Promise((resolve) => get({ port: server.address().port, path, agent: false }, (response) => response.resume().on('end', resolve)));
    for (const path of ['/u/7', '/shops/a/items/b?q=1', '/fails', '/nowhere', '/u/last']) await ask(path);
    server.close();
  });
};
