require('../own-spans.cjs')(require('@opentelemetry/api'));
