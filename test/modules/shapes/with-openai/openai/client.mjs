export class OpenAI {
  static Chat = { Completions: class Completions { create(body, options) { return [body, options]; } } };
  static Embeddings = class Embeddings { create(body) { return body; } };
}
OpenAI.OpenAI = OpenAI;
