import('./throws.mjs');
