// For --import.
import { createRequire } from 'node:module';
import setUp from '../own-sdk.cjs';

globalThis.flushOwn = setUp(createRequire(import.meta.url));
