// What the routes are given: the whole of the program behind HTTP, constructed in `app.ts` alone.
import type { Logger } from 'pino';
import type { Cameras } from '../cameras/cameras.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Library } from '../library/library.ts';

export type Services = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalogue: Catalogue;
  readonly library: Library;
  readonly cameras: Cameras;
};
