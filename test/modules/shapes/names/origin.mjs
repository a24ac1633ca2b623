export let counter = 0;
export const once = () => counter++;
export class Box {
  static count = 0;
  static {
    Box.count = 2;
  }
  static #secret = 1;
  get secret() {
    return Box.#secret;
  }
}
export default function named(a, b = 1) {
  return [a, b];
}
