class Base {
  get [Symbol.toStringTag]() {
    return 'Base';
  }
}
module.exports = class Thing extends Base {
  static made = [];
  static {
    this.made.push('in a static block');
  }
  #own = 1;
  static has(value) {
    return #own in value;
  }
};
module.exports.Base = Base;
