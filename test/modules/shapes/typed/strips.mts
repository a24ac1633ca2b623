import { value } from './strips.ts';
console.log(value satisfies { name: string }, import.meta.filename);
