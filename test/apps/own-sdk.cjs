// OpenTelemetry set up in code, sending to OWN_ENDPOINT. `load` is the `require` of a folder that holds the SDK.
module.exports = function setUp(load) {
  const { NodeSDK } = load('@opentelemetry/sdk-node');
  const { HttpInstrumentation } = load('@opentelemetry/instrumentation-http');
  const { OTLPTraceExporter } = load('@opentelemetry/exporter-trace-otlp-proto');
  const sdk = new NodeSDK({ serviceName: 'its-own', autoDetectResources: false, metricReaders: [], logRecordProcessors: [], instrumentations: [new HttpInstrumentation()], traceExporter: new OTLPTraceExporter({ url: `${process.env.OWN_ENDPOINT}/v1/traces` }) });
  sdk.start();
  return () => sdk.shutdown();
};
