import tracer from 'dd-trace';
import asksItself from '../asks-itself.cjs';

tracer.init({ flushInterval: 50 });
const { default: http } = await import('node:http');
await asksItself(http, () => new Promise((resolve) => setTimeout(resolve, 300)));
