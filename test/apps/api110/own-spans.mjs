import * as api from '@opentelemetry/api';
import ownSpans from '../own-spans.cjs';

ownSpans(api);
