// The settings of the program as sections; `settings.ts` reads them from the environment and kinora.toml.

export type CameraSettings = {
  readonly id: string;
  readonly name: string;
  /** A built-in driver's name, or the path of a module of the user's. */
  readonly driver: string;
  /** Everything else of the `[[camera]]` table, for the driver to check. */
  readonly options: Readonly<Record<string, unknown>>;
};

/** What a process does: `web` serves pages and bytes, `auth` accounts, `worker` what goes by itself, `camera` runs cameras. */
export const processRoles = ['web', 'auth', 'worker', 'camera'] as const;
export type ProcessRole = (typeof processRoles)[number];

export type Config = {
  /** What this process does; all of them where one process does everything. */
  readonly roles: ReadonlySet<ProcessRole>;
  readonly cluster: {
    /** The database that holds everything, for any number of processes; null where it is all in the data folder. */
    readonly mongoUrl: string | null;
    /** Where the other processes reach this one; null: its address in the network. */
    readonly serviceUrl: string | null;
  };
  readonly server: {
    /** The address people use, without a path, where it is not the one listened on; null where not set. */
    readonly publicUrl: string | null;
    /** Host names beside those that need no word (addresses, `localhost`, names of a home network). */
    readonly hosts: readonly string[];
    /** Addresses or networks (CIDR) whose X-Forwarded-* headers, and whose person's name, are believed. */
    readonly trustedProxies: readonly string[];
    /** `localhost` listens on both loopback addresses. */
    readonly host: string;
    /** 0 takes a free one. */
    readonly port: number;
    /** True where the port was set: then a taken one is an error, else the next free one is used. */
    readonly isPortFixed: boolean;
    /** Most bytes in one partial answer; Infinity where not capped. */
    readonly maxPartialBytes: number;
    /** Files and stretches of them are sent by the nginx in front (`http/accel.ts`); with the disk store only. */
    readonly accel: boolean;
    /** Time running responses get to finish after the first SIGTERM, milliseconds. */
    readonly drainMs: number;
    /** Before that: how long it still takes new connections while it says that it is not ready, milliseconds. */
    readonly drainWaitMs: number;
  };
  readonly auth: {
    /** `none`: whoever reaches the address is the household. `header`: a trusted proxy names the person. */
    readonly mode: 'accounts' | 'none' | 'header';
    readonly signUp: 'open' | 'invite' | 'closed';
    /** The header that names the person where `mode` is `header`, lower case. */
    readonly header: string;
    /** Quota of new people, bytes; null where not limited. */
    readonly quotaBytes: number | null;
    /** Where the `auth` role answers, for a process without it: origins with commas between; null in one process. */
    readonly serviceUrl: string | null;
    /** What the processes prove themselves with; null in one process. */
    readonly serviceSecret: string | null;
    /**
     * SMTP address (`smtp://user:password@host:587`), the sender, and the origin of the links in mails: never a request's
     * Host, which anybody can make up. null where no mail is sent.
     */
    readonly mail: { readonly url: string; readonly from: string; readonly origin: string } | null;
    readonly openId: {
      readonly issuer: string;
      readonly clientId: string;
      readonly clientSecret: string;
      /** On the button. */
      readonly name: string;
    } | null;
  };
  readonly data: {
    /** Absolute path of the data folder. */
    readonly folder: string;
    /** Uploads are refused (507) when less than this would stay free on the disk. */
    readonly reserveBytes: number;
    /** Most bytes of videos kept in the data folder so that the database is not asked again; 0: none. */
    readonly cacheBytes: number;
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
