import './uninitialized.mjs';
export function read() {
  try {
    return String(later);
  } catch (error) {
    return error.name;
  }
}
export let later = 'now';
