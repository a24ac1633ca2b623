import type { MeterProvider } from '@opentelemetry/sdk-metrics';

declare const OTEL_RUN_VERSION: string;

/** Processor time and memory of this process. https://opentelemetry.io/docs/specs/semconv/system/process-metrics/ */
export function measureProcess(provider: MeterProvider): void {
  const meter = provider.getMeter('otel-run', OTEL_RUN_VERSION);
  meter
    .createObservableCounter('process.cpu.time', { unit: 's', description: 'Total CPU seconds broken down by different states.' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe(user / 1e6, { 'cpu.mode': 'user' });
      result.observe(system / 1e6, { 'cpu.mode': 'system' });
    });
  meter
    .createObservableUpDownCounter('process.memory.usage', { unit: 'By', description: 'The amount of physical memory in use.' })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter.createObservableGauge('process.uptime', { unit: 's', description: 'The time the process has been running.' }).addCallback((result) => result.observe(process.uptime()));
}
