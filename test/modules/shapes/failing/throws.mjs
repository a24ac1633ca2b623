export const a = 1;
await null;
throw Object.assign(new TypeError('on purpose'), { code: 'E_PURPOSE' });
