import pg, { Client } from 'pg';
import Pool from 'pg-pool';
import { play } from '../../fixtures/postgres/play.cjs';

await play({ Client, Pool: class extends Pool { constructor(options) { super({ ...options, Client: pg.Client }); } } }, process.env);
