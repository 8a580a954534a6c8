// What the routes are given: the whole of the program behind HTTP, constructed in `app.ts` alone.
import type { Logger } from 'pino';
import type { Access } from '../accounts/access.ts';
import type { Accounts } from '../accounts/accounts.ts';
import type { GuestLinks } from '../accounts/guest-links.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Cameras } from '../cameras/cameras.ts';
import type { CameraService } from '../cameras/cluster/camera-service.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Library } from '../library/library.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { Accel } from './accel.ts';
import type { Ending } from './ending.ts';
import type { Running } from './running.ts';

export type Services = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  /** For readiness only; routes speak to the library. */
  readonly catalogue: Catalogue;
  /** For room and readiness only; routes speak to the library. */
  readonly blobs: BlobStore;
  readonly library: Library;
  readonly accounts: Accounts;
  /** Whose things are and who may see them; every route that names a video, folder or camera asks it. */
  readonly access: Access;
  readonly links: GuestLinks;
  readonly cameras: Cameras;
  /** What other processes ask of the cameras here; null or left out where there are no others. */
  readonly cameraService?: CameraService | null;
  readonly metrics: Metrics;
  /** Left out where nothing tells of it (tests). */
  readonly ending?: Ending;
  /** null or left out where traces are off. */
  readonly tracing?: Tracing | null;
  /** How the nginx in front is told to send stored files; null where it is not. */
  readonly accel: Accel | null;
  /** Every answer that goes on for long is told to it, and ended by it where its viewer may no longer. */
  readonly running: Running;
};
