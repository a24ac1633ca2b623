module.exports = Object.freeze({ list: Object.freeze([1, 2]), run() {} });
