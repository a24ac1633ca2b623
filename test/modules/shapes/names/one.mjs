export const shared = 'one';
export const ofOne = 1;
