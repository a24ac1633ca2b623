exports.word = typeof __COMPILED__;
