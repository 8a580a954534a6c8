// The cameras' metrics: read from their own counters when Prometheus asks, so that counting costs nothing twice.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CameraFigures, CameraInfo, Cameras } from '../cameras/cameras.ts';
import type { Clock } from '../clock.ts';

/** Counters of each camera; a camera that is removed takes its own along. */
const counters: readonly [string, string, (figures: CameraFigures) => number][] = [
  ['pictures', 'Pictures taken from a camera', ({ picturesIn }) => picturesIn],
  ['bytes', 'Bytes of pictures and sound taken from a camera', ({ bytesIn }) => bytesIn],
  ['refused', 'What a camera sent that was no picture or too large', ({ refused }) => refused],
  ['dropped', 'Pictures that viewers were not given because they were still busy', ({ dropped }) => dropped],
  ['restarts', 'How often a camera was started again after it failed', ({ restarts }) => restarts],
  [
    'made',
    'Pictures made of a camera in other sizes, or of H.264 and H.265',
    ({ picturesMade }) => picturesMade,
  ],
];

/** What each camera is now; null where there is nothing to tell. */
const gauges: readonly [string, string, (camera: CameraInfo, nowMs: number) => number | null][] = [
  ['viewers', 'People and recorders that watch a camera now', ({ viewers }) => viewers],
  ['live', '1 while pictures come, else 0', ({ state }) => (state === 'live' ? 1 : 0)],
  [
    'silent',
    '1 while a camera is watched and has no signal, else 0',
    ({ state, viewers }) => (state === 'no-signal' && viewers > 0 ? 1 : 0),
  ],
  [
    'newest_age_seconds',
    'Age of the newest picture of a camera that is on',
    ({ state, lastPictureAtMs }, nowMs) =>
      state === 'off' || lastPictureAtMs === null ? null : Math.max(0, nowMs - lastPictureAtMs) / 1000,
  ],
];

export function addCameraMetrics(
  registers: Registry[],
  cameras: Pick<Cameras, 'list' | 'figures'>,
  clock: Pick<Clock, 'nowMs'>,
): void {
  const labelNames = ['camera'];
  for (const [name, help, read] of counters) {
    new Counter({
      ...{ name: `kinora_camera_${name}_total`, help, labelNames, registers },
      collect() {
        this.reset();
        for (const figures of cameras.figures()) this.inc({ camera: figures.id }, read(figures));
      },
    });
  }
  new Gauge({
    name: 'kinora_camera_derived_streams',
    help: 'Streams of pictures that are being made of a camera now, a process each',
    ...{ labelNames, registers },
    collect() {
      this.reset();
      for (const { id, derivedStreams } of cameras.figures()) this.set({ camera: id }, derivedStreams);
    },
  });
  for (const [name, help, read] of gauges) {
    new Gauge({
      ...{ name: `kinora_camera_${name}`, help, labelNames, registers },
      collect() {
        this.reset();
        for (const camera of cameras.list()) {
          const value = read(camera, clock.nowMs());
          if (value !== null) this.set({ camera: camera.id }, value);
        }
      },
    });
  }
}
