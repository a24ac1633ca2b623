import './plain.cjs';
