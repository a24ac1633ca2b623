interface Shape { readonly name: string }
export const value: Shape = { name: 'typed' };
console.log(JSON.stringify(value), new Error('here').stack?.replace(/\n {4}at (?!.*strips)[^]*$/, ''));
