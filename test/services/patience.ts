import { expect, vi } from 'vitest';

// These folders start brokers and databases, or install the libraries that they trace.
if (/\/test\/(services|libraries)\//.test(expect.getState().testPath ?? '')) vi.setConfig({ testTimeout: 120_000 });
