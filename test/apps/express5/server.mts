import express from 'express';
import serve from '../express-server.cjs';

const start: (framework: typeof express) => void = serve;
start(express);
