import type { Environment } from './config.js';
import type { Telemetry } from './telemetry.js';

export interface TelemetryOptions {
  /** `service.name` of the process, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly service: string;
  readonly environment: Environment;
}

/**
 * On where `OTEL_EXPORTER_OTLP_ENDPOINT` (or the one for traces) is set; every other `OTEL_*`
 * name means what the OpenTelemetry specification says. Off, the SDK is not even loaded.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry | undefined> {
  if (!isWanted(options.environment)) return undefined;
  const { startSdk } = await import('./telemetry-sdk.js');
  return startSdk(options);
}

function isWanted(environment: Environment): boolean {
  const endpoint =
    environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Boolean(endpoint) && environment.OTEL_SDK_DISABLED?.toLowerCase() !== 'true';
}
