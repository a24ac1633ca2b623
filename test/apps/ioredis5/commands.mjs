import Redis from 'ioredis';
import { play } from '../../fixtures/redis/play-ioredis.cjs';

await play(Redis, process.env);
