import * as wasm from './add.wasm';
console.log(Object.keys(wasm), wasm.add(1, 2), Object.prototype.toString.call(wasm));
