export const shared = 'two';
export const ofTwo = 2;
