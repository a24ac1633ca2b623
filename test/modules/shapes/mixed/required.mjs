export const a = 1;
export default class {}
export const isMain = import.meta.main;
