import { createClient } from 'redis';
import { play } from '../../fixtures/redis/play-redis.cjs';

await play({ createClient }, process.env);
