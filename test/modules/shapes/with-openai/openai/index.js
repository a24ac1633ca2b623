class OpenAI {
  static Chat = { Completions: class Completions { create(body, options) { return [body, options]; } } };
  static Embeddings = class Embeddings { create(body) { return body; } };
}
module.exports = OpenAI;
exports = module.exports;
exports.OpenAI = OpenAI;
exports.where = __filename;
