require('../fastify-server.cjs')(require('fastify'));
