import express = require('express');
import serve = require('../express-server.cjs');

serve(express);
