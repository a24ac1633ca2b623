const { Client, Pool, Query } = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');
require('../../fixtures/postgres/play.cjs').play({ Client, Pool, Query, Cursor, QueryStream }, process.env);
