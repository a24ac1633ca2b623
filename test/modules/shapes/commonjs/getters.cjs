let reads = 0;
Object.defineProperty(exports, 'lazy', { enumerable: true, get: () => ++reads });
Object.defineProperty(exports, 'both', { enumerable: true, configurable: true, get: () => reads, set(value) { reads = value; } });
Object.defineProperty(exports, 'throws', { enumerable: false, get() { throw new RangeError('not to be read'); } });
