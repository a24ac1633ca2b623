const http = require('http');
const https = require('node:https');
const { request } = require('node:http');
import('got').then(({ got }) => require('../web.cjs')({ http, https, request, axios: require('axios'), got }));
