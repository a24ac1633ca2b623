export const file = 'sync';
