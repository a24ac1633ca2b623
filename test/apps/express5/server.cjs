require('../express-server.cjs')(require('express'));
