// Every setting of the program: its name, what it takes, its default and its meaning, in one table. `settings.ts`
// reads by it, `kinora --help` prints it, and a test holds `ref/configuration.md` against it.

/** Turns the text of a setting into its value, or returns what it takes (then the text was wrong). */
export type Parse<Value> = (text: string) => { value: Value } | { takes: string };

export type Setting<Value> = {
  /** The environment variable. In the file: the same in lower case, without `KINORA_`. */
  readonly name: string;
  readonly parse: Parse<Value>;
  readonly byDefault: Value;
  /** The default as people read it. */
  readonly defaultText: string;
  readonly meaning: string;
};

function wholeNumber(from: number, to: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    return /^\d{1,16}$/.test(text) && value >= from && value <= to
      ? { value }
      : { takes: `a whole number from ${from} to ${to}` };
  };
}

const byteUnits: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** `100000`, `64M`, `2 GB`: decimal units, as sizes are shown everywhere in the program. */
const bytes: Parse<number> = (text) => {
  const match = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?)b?$/i.exec(text);
  const value = match ? Math.round(Number(match[1]) * (byteUnits[(match[2] ?? '').toLowerCase()] ?? 1)) : 0;
  return value > 0 ? { value } : { takes: 'a number of bytes above 0, such as 100000 or 2 GB' };
};

function days(from: number, to: number): Parse<number> {
  return (text) => {
    const parsed = wholeNumber(from, to)(text);
    return 'value' in parsed ? { value: parsed.value * 86_400_000 } : { takes: `${parsed.takes} days` };
  };
}

function seconds(from: number, to: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    return /^\d{1,6}(\.\d{1,3})?$/.test(text) && value >= from && value <= to
      ? { value: value * 1000 }
      : { takes: `seconds from ${from} to ${to}` };
  };
}

function oneOf<const Choice extends string>(...choices: Choice[]): Parse<Choice> {
  return (text) =>
    (choices as string[]).includes(text) ? { value: text as Choice } : { takes: choices.join(', ') };
}

const text: Parse<string> = (value) =>
  value !== '' && !value.includes('\0') ? { value } : { takes: 'some text' };

/** A host name or address to listen on; no port, no scheme. */
const host: Parse<string> = (value) =>
  /^[a-zA-Z0-9.:_-]{1,253}$/.test(value) ? { value } : { takes: 'an address or host name to listen on' };

/** A number as OpenCV counts cameras, or the device itself. */
const videoDevice: Parse<string> = (value) => {
  if (/^\d{1,3}$/.test(value)) return { value: `/dev/video${Number(value)}` };
  return /^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[\w:.+-]{1,200})$/.test(value)
    ? { value }
    : { takes: 'a number such as 0, or a device such as /dev/video0' };
};

const allRoles = ['web', 'auth', 'worker', 'camera'];
const roles: Parse<string> = (value) => {
  const named = value.split(',').map((role) => role.trim());
  const isAll = allRoles.every((role) => named.includes(role)) && named.length === allRoles.length;
  return value === 'all' || isAll
    ? { value: 'all' }
    : { takes: `all (one process does everything: ${allRoles.join(',')})` };
};

/** Keeps each entry's own value type while the table is one object. */
function setting<Value>(entry: Setting<Value>): Setting<Value> {
  return entry;
}

export const settingList = {
  host: setting({
    name: 'KINORA_HOST',
    parse: host,
    byDefault: 'localhost',
    defaultText: 'localhost',
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
  roles: setting({
    name: 'KINORA_ROLES',
    parse: roles,
    byDefault: 'all',
    defaultText: 'all',
    meaning: 'What this process does. One process does everything.',
  }),
  auth: setting({
    name: 'KINORA_AUTH',
    parse: oneOf('none'),
    byDefault: 'none',
    defaultText: 'none',
    meaning: 'Who may use it. `none`: whoever can reach the address.',
  }),
  signUp: setting({
    name: 'KINORA_SIGN_UP',
    parse: oneOf('open', 'invite', 'closed'),
    byDefault: 'closed',
    defaultText: 'closed',
    meaning: 'Who may make an account; says nothing while KINORA_AUTH is `none`.',
  }),
  maxPartialBytes: setting({
    name: 'KINORA_MAX_PARTIAL_BYTES',
    parse: bytes,
    byDefault: Number.POSITIVE_INFINITY,
    defaultText: 'no cap',
    meaning: 'Most bytes in one partial answer (206); players ask again for the rest.',
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
