// Usage: node store-writer.ts <dir> <bytes>. Stores spans until it is killed; says when it has begun.
import { createStoreExporter } from '../../src/export/store.ts';
import { traceBatch } from './requests.ts';

const [dir = '', capBytes = ''] = process.argv.slice(2);
const exporter = createStoreExporter({ dir, capBytes: Number(capBytes) });
const signal = new AbortController().signal;
for (let i = 0; ; i++) {
  await exporter.export(traceBatch('writer', { trace: 'bb', id: '01', name: `n${i}`, padding: 500 }), signal);
  if (i === 100) process.send?.('begun');
  if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}
