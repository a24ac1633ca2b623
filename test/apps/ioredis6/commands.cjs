const { play } = require('../../fixtures/redis/play-ioredis.cjs');
play(require('ioredis'), process.env);
