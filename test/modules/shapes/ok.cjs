console.log('evaluated', require.main === module, process.mainModule === module, module.id, module.children.length, Object.keys(require.cache).length);
