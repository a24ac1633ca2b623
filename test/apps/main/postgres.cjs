const { Client, Pool } = require('pg');
require('../../fixtures/postgres/play.cjs').play({ Client, Pool }, process.env);
