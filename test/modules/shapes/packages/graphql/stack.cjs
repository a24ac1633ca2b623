module.exports = new Error('here').stack;
