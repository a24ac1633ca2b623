Promise.all([import('express'), import('../express-server.cjs')]).then(([express, serve]) => serve.default(express.default));
