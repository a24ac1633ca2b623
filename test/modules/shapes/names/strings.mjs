const value = 1;
export { value as 'a name', value as 'module.exports-like', value as __proto__ };
