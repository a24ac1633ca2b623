const asked = [];
module.exports = new Proxy({ real: 1 }, {
  get(target, key) {
    asked.push(String(key));
    return key === 'asked' ? asked : (target[key] ?? `made ${String(key)}`);
  },
  has: () => true,
  ownKeys: () => ['real', 'invented'],
  getOwnPropertyDescriptor: (target, key) => ({ value: key, enumerable: true, configurable: true }),
});
