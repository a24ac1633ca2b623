exports.filename = __filename;
exports.id = module.id;
