import { nothing } from '../commonjs/plain.cjs';
