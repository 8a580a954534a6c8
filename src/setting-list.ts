// Every setting of the program: its name, what it takes, its default and its meaning, in one table. `settings.ts`
// reads by it, `kinora --help` prints it, and a test holds `ref/configuration.md` against it.

import { type ProcessRole, processRoles } from './config.ts';
import {
  bytes,
  bytesOrNone,
  days,
  headerName,
  host,
  hostNames,
  issuer,
  mailbox,
  mongoUrl,
  networks,
  oneOf,
  origin,
  origins,
  type Parse,
  roles,
  seconds,
  secret,
  smtpUrl,
  text,
  videoDevice,
  wholeNumber,
} from './setting-parse.ts';

export type Setting<Value> = {
  /** The environment variable. In the file: the same in lower case, without `KINORA_`. */
  readonly name: string;
  readonly parse: Parse<Value>;
  readonly byDefault: Value;
  /** The default as people read it. */
  readonly defaultText: string;
  readonly meaning: string;
  /** It holds a password: what was given is never repeated in an error. */
  readonly isSecret?: boolean;
};

/** Keeps each entry's own value type while the table is one object. */
function setting<Value>(entry: Setting<Value>): Setting<Value> {
  return entry;
}

export const settingList = {
  host: setting<string | null>({
    name: 'KINORA_HOST',
    parse: host,
    byDefault: null,
    defaultText: 'the whole network; this machine only where KINORA_AUTH is `none` or KINORA_ROLES `auth`',
    meaning:
      'Address to listen on. `localhost` is this machine only; `0.0.0.0` or `::` is the whole network.',
  }),
  port: setting<number | null>({
    name: 'KINORA_PORT',
    parse: wholeNumber(0, 65_535),
    byDefault: null,
    defaultText: '5000, or the next free one',
    meaning: 'Port to listen on; 0 takes a free one and prints it.',
  }),
  data: setting({
    name: 'KINORA_DATA',
    parse: text,
    byDefault: './data',
    defaultText: './data',
    meaning: 'Folder that holds everything: videos, catalogue, settings made in the pages.',
  }),
  mongoUrl: setting<string | null>({
    name: 'MONGODB_URL',
    parse: mongoUrl,
    isSecret: true,
    byDefault: null,
    defaultText: 'none: everything is in KINORA_DATA',
    meaning:
      'MongoDB that holds everything, so that any number of processes can share the work: mongodb://host:27017/kinora.',
  }),
  cacheBytes: setting({
    name: 'KINORA_CACHE_BYTES',
    parse: bytesOrNone,
    byDefault: 2_000_000_000,
    defaultText: '2 GB',
    meaning:
      'Most bytes of videos kept in KINORA_DATA beside MONGODB_URL, so that what is watched often is read once; 0 keeps none.',
  }),
  roles: setting<ReadonlySet<ProcessRole>>({
    name: 'KINORA_ROLES',
    parse: roles,
    byDefault: new Set(processRoles),
    defaultText: 'all',
    meaning:
      'What this process does, of `web`, `auth`, `worker`, `camera`. Without MONGODB_URL `auth` alone answers for accounts, and `web,worker,camera` does the rest.',
  }),
  serviceUrl: setting<string | null>({
    name: 'KINORA_SERVICE_URL',
    parse: origin,
    byDefault: null,
    defaultText: 'its address in the network',
    meaning: 'Where the other processes reach this one, beside MONGODB_URL: http://10.0.0.7:5000.',
  }),
  url: setting<string | null>({
    name: 'KINORA_URL',
    parse: origin,
    byDefault: null,
    defaultText: 'the address that was asked for',
    meaning: 'Address that people use, where a proxy stands before it: https://videos.example.org.',
  }),
  hosts: setting<readonly string[]>({
    name: 'KINORA_HOSTS',
    parse: hostNames,
    byDefault: [],
    defaultText: 'none',
    meaning:
      'More names of this machine, with commas between. Addresses, the host of KINORA_URL and names of a home network need no word.',
  }),
  trustedProxies: setting<readonly string[]>({
    name: 'KINORA_TRUSTED_PROXIES',
    parse: networks,
    byDefault: [],
    defaultText: 'none',
    meaning: 'Addresses or networks of proxies that are believed who asks and by which address.',
  }),
  auth: setting<'accounts' | 'none' | 'header'>({
    name: 'KINORA_AUTH',
    parse: oneOf('accounts', 'none', 'header'),
    byDefault: 'accounts',
    defaultText: 'accounts',
    meaning:
      'Who may use it. `accounts`: those who log in. `header`: whom a trusted proxy names. `none`: whoever can reach the address.',
  }),
  authHeader: setting({
    name: 'KINORA_AUTH_HEADER',
    parse: headerName,
    byDefault: 'remote-user',
    defaultText: 'remote-user',
    meaning: 'Header in which a trusted proxy names the person, where KINORA_AUTH is `header`.',
  }),
  signUp: setting<'open' | 'invite' | 'closed'>({
    name: 'KINORA_SIGN_UP',
    parse: oneOf('open', 'invite', 'closed'),
    byDefault: 'invite',
    defaultText: 'invite',
    meaning:
      'Who may make an account: everyone (`open`), those with a link of the owner (`invite`), nobody (`closed`).',
  }),
  quota: setting<number | null>({
    name: 'KINORA_QUOTA',
    parse: bytes,
    byDefault: null,
    defaultText: 'no cap',
    meaning: 'Most bytes of videos for each new person; the owner can change it for each.',
  }),
  authUrl: setting<string | null>({
    name: 'KINORA_AUTH_URL',
    parse: origins,
    byDefault: null,
    defaultText: 'none',
    meaning:
      'Where the processes with the role `auth` answer, for one without that role; several with commas between.',
  }),
  authSecret: setting<string | null>({
    name: 'KINORA_AUTH_SECRET',
    parse: secret,
    isSecret: true,
    byDefault: null,
    defaultText: 'none',
    meaning: 'What the processes prove themselves with to one another; 32 characters or more.',
  }),
  smtpUrl: setting<string | null>({
    name: 'KINORA_SMTP_URL',
    parse: smtpUrl,
    isSecret: true,
    byDefault: null,
    defaultText: 'none',
    meaning: 'Mail server for resetting passwords: smtp://user:password@mail.example.org:587.',
  }),
  mailFrom: setting<string | null>({
    name: 'KINORA_MAIL_FROM',
    parse: mailbox,
    byDefault: null,
    defaultText: 'none',
    meaning: 'Sender of its mails; goes with KINORA_SMTP_URL.',
  }),
  openIdIssuer: setting<string | null>({
    name: 'KINORA_OPENID_ISSUER',
    parse: issuer,
    byDefault: null,
    defaultText: 'none',
    meaning: 'OpenID provider (Authelia, Keycloak and such) that people can log in with.',
  }),
  openIdClientId: setting<string | null>({
    name: 'KINORA_OPENID_CLIENT_ID',
    parse: text,
    byDefault: null,
    defaultText: 'none',
    meaning: 'What the provider calls this program.',
  }),
  openIdClientSecret: setting<string | null>({
    name: 'KINORA_OPENID_CLIENT_SECRET',
    parse: text,
    isSecret: true,
    byDefault: null,
    defaultText: 'none',
    meaning: 'What this program proves itself with to the provider.',
  }),
  openIdName: setting({
    name: 'KINORA_OPENID_NAME',
    parse: text,
    byDefault: 'OpenID',
    defaultText: 'OpenID',
    meaning: 'What the button calls the provider.',
  }),
  maxPartialBytes: setting({
    name: 'KINORA_MAX_PARTIAL_BYTES',
    parse: bytes,
    byDefault: Number.POSITIVE_INFINITY,
    defaultText: 'no cap',
    meaning: 'Most bytes in one partial answer (206); players ask again for the rest.',
  }),
  accel: setting<'off' | 'nginx'>({
    name: 'KINORA_ACCEL',
    parse: oneOf('off', 'nginx'),
    byDefault: 'off',
    defaultText: 'off',
    meaning:
      'Who sends the bytes of stored files. `nginx`: the one in front, told by X-Accel-Redirect; with files in KINORA_DATA only.',
  }),
  maxUploadBytes: setting({
    name: 'KINORA_MAX_UPLOAD_BYTES',
    parse: bytes,
    byDefault: Number.POSITIVE_INFINITY,
    defaultText: 'no cap',
    meaning: 'Largest video that is taken; a larger one is refused with 413.',
  }),
  reserveBytes: setting({
    name: 'KINORA_RESERVE_BYTES',
    parse: bytes,
    byDefault: 1_000_000_000,
    defaultText: '1 GB',
    meaning: 'Room that always stays free on the disk; uploads that would take it are refused with 507.',
  }),
  bin: setting({
    name: 'KINORA_BIN_DAYS',
    parse: days(0, 3650),
    byDefault: 30 * 86_400_000,
    defaultText: '30',
    meaning: 'Days a deleted video can be brought back.',
  }),
  unfinished: setting({
    name: 'KINORA_UNFINISHED_DAYS',
    parse: days(1, 365),
    byDefault: 7 * 86_400_000,
    defaultText: '7',
    meaning: 'Days an interrupted upload can be gone on with.',
  }),
  linger: setting({
    name: 'KINORA_CAMERA_LINGER_SECONDS',
    parse: seconds(0, 3600),
    byDefault: 10_000,
    defaultText: '10',
    meaning: 'Seconds a camera stays on after its last viewer has left.',
  }),
  camera: setting({
    name: 'CAMERA',
    parse: text,
    byDefault: 'emulated',
    defaultText: 'emulated',
    meaning:
      "Driver of the camera with the id `default`: `emulated`, a driver's name, or the path of a module.",
  }),
  opencvSource: setting({
    name: 'OPENCV_CAMERA_SOURCE',
    parse: videoDevice,
    byDefault: '/dev/video0',
    defaultText: '0',
    meaning: 'Webcam of the default camera where CAMERA is `opencv`: its number, or its device.',
  }),
  drain: setting({
    name: 'KINORA_DRAIN_SECONDS',
    parse: seconds(0, 600),
    byDefault: 10_000,
    defaultText: '10',
    meaning: 'Seconds that running answers get to finish after SIGTERM.',
  }),
  drainWait: setting({
    name: 'KINORA_DRAIN_WAIT_SECONDS',
    parse: seconds(0, 600),
    byDefault: 0,
    defaultText: '0',
    meaning:
      'Seconds after SIGTERM in which /readyz says no and requests are still taken, so that a balancer notices.',
  }),
  logLevel: setting<'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'>({
    name: 'KINORA_LOG',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
    byDefault: 'info',
    defaultText: 'info',
    meaning: 'Least important lines that are logged.',
  }),
  logFormat: setting<'json' | 'pretty' | null>({
    name: 'KINORA_LOG_FORMAT',
    parse: oneOf('json', 'pretty'),
    byDefault: null,
    defaultText: 'pretty on a terminal, else json',
    meaning: 'Form of the log.',
  }),
};
