exports.partial = 1;

function fail() {
  throw Object.assign(new TypeError('on purpose'), { code: 'E_PURPOSE', extra: { a: 1 } });
}
fail();
