import { nothing } from '../names/one.mjs';
