import * as self from 'selfish';
import other from '#other';
export { self, other };
