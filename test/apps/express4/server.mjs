import express from 'express';
import serve from '../express-server.cjs';

serve(express);
