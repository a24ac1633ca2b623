const { play } = require('../../fixtures/kafka/play.cjs');
play(require('kafkajs'), process.env);
