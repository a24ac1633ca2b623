const { play } = require('../../fixtures/redis/play-redis.cjs');
play(require('redis'), process.env);
