// ts-node refuses it.
export const count: number = 'many';
