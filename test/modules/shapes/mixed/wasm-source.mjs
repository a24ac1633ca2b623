import source add from './add.wasm';
console.log(WebAssembly.Module.exports(add));
