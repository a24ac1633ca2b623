import pg, { Client, Query } from 'pg';
import Cursor from 'pg-cursor';
import PgPool from 'pg-pool';
import QueryStream from 'pg-query-stream';
import { play } from '../../fixtures/postgres/play.cjs';

class Pool extends PgPool {
  constructor(options) {
    super({ ...options, Client: pg.Client });
  }
}
await play({ Client, Pool, Query, Cursor, QueryStream }, process.env);
