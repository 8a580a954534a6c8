// The cameras' metrics: read from their own counters when Prometheus asks, so that counting costs nothing twice.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { CameraFigures, CameraInfo, Cameras } from '../cameras/cameras.ts';
import type { ClusterFigures } from '../cameras/cluster/cluster-setup.ts';
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

/** Cameras of a process; one that shares them with others says what is its own part. */
export type MeasuredCameras = Pick<Cameras, 'list' | 'figures'> &
  Partial<Pick<Cameras, 'here' | 'clusterFigures'>>;

/** What a process does for the cameras of several; those that end in `total` count. */
const clusterMetrics: readonly [string, string, (figures: ClusterFigures) => number][] = [
  ['owned', 'Cameras whose drivers this process runs', ({ owned }) => owned],
  [
    'relays_served',
    'Streams of cameras that other processes take from this one',
    ({ relaysServed }) => relaysServed,
  ],
  ['relays_taken', 'Cameras that this process takes from others', ({ relaysTaken }) => relaysTaken],
  ['take_overs_total', 'Cameras taken over that another process ran before', ({ takeOvers }) => takeOvers],
  ['leases_lost_total', 'Cameras lost to other processes unasked', ({ lost }) => lost],
  [
    'relay_dropped_total',
    'Pictures and sound that other processes were not given because they were busy',
    ({ relayDropped }) => relayDropped,
  ],
  [
    'relayed_bytes_total',
    'Bytes of pictures and sound sent to other processes',
    ({ relayedBytes }) => relayedBytes,
  ],
];

export function addCameraMetrics(
  registers: Registry[],
  cameras: MeasuredCameras,
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
        for (const camera of cameras.here?.() ?? cameras.list()) {
          const value = read(camera, clock.nowMs());
          if (value !== null) this.set({ camera: camera.id }, value);
        }
      },
    });
  }
  // Of one process alone these are 0.
  for (const [name, help, read] of clusterMetrics) {
    const settings = { name: `kinora_cameras_${name}`, help, registers };
    const figure = () => {
      const figures = cameras.clusterFigures?.();
      return figures ? read(figures) : 0;
    };
    if (name.endsWith('_total'))
      new Counter({
        ...settings,
        collect() {
          this.reset();
          this.inc(figure());
        },
      });
    else
      new Gauge({
        ...settings,
        collect() {
          this.set(figure());
        },
      });
  }
}
