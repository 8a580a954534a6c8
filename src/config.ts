// The settings of the program as sections; `settings.ts` reads them from the environment and kinora.toml.

export type CameraSettings = {
  readonly id: string;
  readonly name: string;
  /** A built-in driver's name, or the path of a module of the user's. */
  readonly driver: string;
  /** Everything else of the `[[camera]]` table, for the driver to check. */
  readonly options: Readonly<Record<string, unknown>>;
};

export type Config = {
  readonly server: {
    /** `localhost` listens on both loopback addresses. */
    readonly host: string;
    /** 0 takes a free one. */
    readonly port: number;
    /** True where the port was set: then a taken one is an error, else the next free one is used. */
    readonly isPortFixed: boolean;
    /** Most bytes in one partial answer; Infinity where not capped. */
    readonly maxPartialBytes: number;
    /** Time running responses get to finish after the first SIGTERM, milliseconds. */
    readonly drainMs: number;
  };
  readonly data: {
    /** Absolute path of the data folder. */
    readonly folder: string;
    /** Uploads are refused (507) when less than this would stay free on the disk. */
    readonly reserveBytes: number;
    /** Largest video taken, bytes; Infinity where not capped. */
    readonly maxUploadBytes: number;
    /** How long a video stays in the bin, and how long an unfinished upload can be taken up again, milliseconds. */
    readonly binMs: number;
    readonly unfinishedMs: number;
  };
  readonly cameras: {
    readonly list: readonly CameraSettings[];
    /** How long a camera stays on after its last viewer left, milliseconds. */
    readonly lingerMs: number;
  };
  readonly log: {
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
    readonly format: 'json' | 'pretty';
  };
};
