import http, { request } from 'node:http';
import https from 'https';
import axios from 'axios';
import { got } from 'got';
import web from '../web.cjs';

await web({ http, https, request, axios, got });
