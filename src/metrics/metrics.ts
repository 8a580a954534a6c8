// What Prometheus reads at /metrics. One registry per program, made in app.ts; nothing global.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../clock.ts';
import { version } from '../version.ts';
import { addCameraMetrics, type MeasuredCameras } from './camera-metrics.ts';
import { addClusterMetrics, type ClusterMetrics } from './cluster-metrics.ts';

export type Metrics = {
  readonly contentType: string;
  /** The text of all metrics, in the Prometheus exposition format. */
  read(): Promise<string>;
  /** Notes a finished answer. `route` is the route's pattern, never the address itself. */
  answered(method: string, route: string, status: number, seconds: number): void;
  /** Notes bytes of videos sent. */
  sent(bytes: number): void;
  /** Notes a video that arrived. */
  arrived(status: string): void;
  /** Leases, tasks, the cache and the database. */
  readonly cluster: ClusterMetrics;
};

export function createMetrics({
  cameras,
  clock,
  roles = [],
}: {
  cameras: MeasuredCameras;
  clock: Pick<Clock, 'nowMs'>;
  /** What this process does. */
  roles?: Iterable<string>;
}): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const info = new Gauge({
    name: 'kinora_info',
    help: '1 for each role of this process, with its version',
    labelNames: ['role', 'version'],
    registers,
  });
  for (const role of roles) info.set({ role, version }, 1);
  const requests = new Histogram({
    name: 'kinora_http_request_seconds',
    help: 'Time to answer a request, whole body included',
    labelNames: ['method', 'route', 'status'],
    // From a cached page to a film: 1 ms to 10 minutes.
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2, 10, 60, 600],
    registers,
  });
  const sentBytes = new Counter({
    name: 'kinora_video_sent_bytes_total',
    help: 'Bytes of videos sent',
    registers,
  });
  const arrivals = new Counter({
    name: 'kinora_videos_arrived_total',
    help: 'Videos that arrived, by what became of them',
    labelNames: ['status'],
    registers,
  });
  addCameraMetrics(registers, cameras, clock);
  const cluster = addClusterMetrics(registers);
  return {
    contentType: registry.contentType,
    read: () => registry.metrics(),
    answered: (method, route, status, seconds) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    sent: (bytes) => sentBytes.inc(bytes),
    arrived: (status) => arrivals.inc({ status }),
    cluster,
  };
}
