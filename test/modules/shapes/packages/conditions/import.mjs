export const file = 'import';
