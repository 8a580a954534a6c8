// Reads the settings: KINORA_* of the environment over the settings file. An unknown or wrong one is an error of
// one line that names it, what it got and what it takes.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { type CameraSettings, type Config, processRoles } from './config.ts';
import { AppError } from './errors.ts';
import { type Setting, settingList } from './setting-list.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Table = Record<string, unknown>;

/** Names that are no settings of the program though they begin alike: the file's own, and what tests use. */
const otherNames = /^(KINORA_CONFIG$|KINORA_TEST_)/;

/** The settings file's key of a setting: `KINORA_MAX_PARTIAL_BYTES` -> `max_partial_bytes`, `CAMERA` -> none. */
export function fileKey(name: string): string | null {
  return name.startsWith('KINORA_') ? name.slice('KINORA_'.length).toLowerCase() : null;
}

/**
 * Reads and checks all settings.
 * @param environment usually `process.env`
 * @param folder what relative paths are relative to
 * @param isTerminal whether the log goes to a terminal
 * @throws AppError `bad-request`, one line
 */
export function readSettings(environment: Environment, folder: string, isTerminal: boolean): Config {
  const file = readFile(environment, folder);
  refuseUnknown(environment, file);
  const get = <Value>(setting: Setting<Value>): Value => readOne(setting, environment, file);

  const port = get(settingList.port);
  const roles = get(settingList.roles);
  const publicUrl = get(settingList.url);
  const auth = readAuth(get);
  const mongoUrl = get(settingList.mongoUrl);
  // Behind nobody's door, or for one other process, it is shown to this machine only unless somebody says otherwise.
  const isForThisMachine = roles.has('web') ? auth.mode === 'none' : mongoUrl === null;
  const config: Config = {
    roles,
    cluster: { mongoUrl, serviceUrl: get(settingList.serviceUrl) },
    auth,
    server: {
      publicUrl,
      hosts: get(settingList.hosts),
      trustedProxies: get(settingList.trustedProxies),
      host: get(settingList.host) ?? (isForThisMachine ? 'localhost' : '::'),
      port: port ?? 5000,
      isPortFixed: port !== null,
      maxPartialBytes: get(settingList.maxPartialBytes),
      accel: get(settingList.accel) === 'nginx',
      drainMs: get(settingList.drain),
      drainWaitMs: get(settingList.drainWait),
    },
    data: {
      folder: resolve(folder, get(settingList.data)),
      reserveBytes: get(settingList.reserveBytes),
      cacheBytes: get(settingList.cacheBytes),
      maxUploadBytes: get(settingList.maxUploadBytes),
      binMs: get(settingList.bin),
      unfinishedMs: get(settingList.unfinished),
    },
    cameras: {
      list: readCameras(get(settingList.camera), get(settingList.opencvSource), file),
      lingerMs: get(settingList.linger),
    },
    log: {
      level: get(settingList.logLevel),
      format: get(settingList.logFormat) ?? (isTerminal ? 'pretty' : 'json'),
    },
  };
  refuseMismatch(config);
  if (config.server.accel && environment.MONGODB_URL)
    throw mismatch(
      'KINORA_ACCEL=nginx sends files of KINORA_DATA, and MONGODB_URL keeps none there: unset one',
    );
  return config;
}

type Get = <Value>(setting: Setting<Value>) => Value;

function readAuth(get: Get): Config['auth'] {
  return {
    mode: get(settingList.auth),
    signUp: get(settingList.signUp),
    header: get(settingList.authHeader),
    quotaBytes: get(settingList.quota),
    serviceUrl: get(settingList.authUrl),
    serviceSecret: get(settingList.authSecret),
    mail: readMail(get),
    openId: readOpenId(get),
  };
}

function readMail(get: Get): Config['auth']['mail'] {
  const url = get(settingList.smtpUrl);
  const from = get(settingList.mailFrom);
  if (url && !from) throw mismatch('KINORA_SMTP_URL needs KINORA_MAIL_FROM, the sender of its mails');
  if (from && !url) throw mismatch('KINORA_MAIL_FROM needs KINORA_SMTP_URL, the mail server');
  if (!url || !from) return null;
  const origin = get(settingList.url);
  if (!origin) throw mismatch('KINORA_SMTP_URL needs KINORA_URL, the address that stands in its mails');
  return { url, from, origin };
}

function readOpenId(get: Get): Config['auth']['openId'] {
  const issuer = get(settingList.openIdIssuer);
  const clientId = get(settingList.openIdClientId);
  const clientSecret = get(settingList.openIdClientSecret);
  if (issuer && clientId && clientSecret)
    return { issuer, clientId, clientSecret, name: get(settingList.openIdName) };
  if (!issuer && !clientId && !clientSecret) return null;
  throw mismatch(
    'OpenID log-in needs KINORA_OPENID_ISSUER, KINORA_OPENID_CLIENT_ID and KINORA_OPENID_CLIENT_SECRET together',
  );
}

/** Settings that are right each by itself and say nothing, or something dangerous, together. */
function refuseMismatch({ roles, cluster, auth, server }: Config): void {
  if (auth.mode === 'header' && server.trustedProxies.length === 0)
    throw mismatch('KINORA_AUTH=header needs KINORA_TRUSTED_PROXIES: anyone else could name themselves');
  if (server.accel && server.trustedProxies.length === 0)
    throw mismatch(
      'KINORA_ACCEL=nginx needs KINORA_TRUSTED_PROXIES: only that proxy is told where files lie',
    );
  const isAlone = roles.size === processRoles.length;
  if (!isAlone && roles.has('auth') && auth.mode === 'none')
    throw mismatch('KINORA_ROLES=auth keeps accounts, and KINORA_AUTH=none has none: unset one of them');
  if (cluster.mongoUrl === null) {
    // The data folder is one process': only the accounts can be apart.
    const isAuth = roles.size === 1 && roles.has('auth');
    if (!isAlone && !isAuth && (roles.has('auth') || roles.size !== processRoles.length - 1))
      throw mismatch('KINORA_ROLES other than all, auth, or web,worker,camera need MONGODB_URL');
    if (isAuth && !auth.serviceSecret)
      throw mismatch(
        'KINORA_ROLES=auth needs KINORA_AUTH_SECRET, which the other processes prove themselves with',
      );
    if (!roles.has('auth') && auth.mode !== 'none' && !(auth.serviceUrl && auth.serviceSecret))
      throw mismatch(
        'KINORA_ROLES=web,worker,camera needs KINORA_AUTH_URL and KINORA_AUTH_SECRET of the process with the role auth',
      );
    if (cluster.serviceUrl !== null)
      throw mismatch('KINORA_SERVICE_URL is for processes that share a database: it needs MONGODB_URL');
  } else if (roles.has('web') && !roles.has('auth') && auth.mode !== 'none' && !auth.serviceUrl) {
    throw mismatch(
      'KINORA_ROLES with web and without auth needs KINORA_AUTH_URL, where the role auth answers',
    );
  }
  if (roles.has('auth') && auth.serviceUrl)
    throw mismatch(
      'KINORA_AUTH_URL is for a process without the role auth: this one keeps the accounts itself',
    );
}

function mismatch(message: string): AppError {
  return new AppError('bad-request', message);
}

function readFile(environment: Environment, folder: string): Table {
  const named = environment.KINORA_CONFIG;
  const path = resolve(folder, named || 'kinora.toml');
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    if (!named && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new AppError('bad-request', `${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    return parseToml(content) as Table;
  } catch (error) {
    const [first] = (error as Error).message.split('\n');
    throw new AppError('bad-request', `${path} is not valid TOML: ${first}`, { cause: error });
  }
}

function refuseUnknown(environment: Environment, file: Table): void {
  const all = Object.values(settingList).map(({ name }) => name);
  for (const name of Object.keys(environment)) {
    if (name.startsWith('KINORA_') && !all.includes(name) && !otherNames.test(name)) {
      throw new AppError('bad-request', `${name} is not a setting${suggestion(name, all)}`);
    }
  }
  const keys = all.map(fileKey).filter((key) => key !== null);
  for (const key of Object.keys(file)) {
    if (key !== 'camera' && !keys.includes(key)) {
      throw new AppError(
        'bad-request',
        `"${key}" in the settings file is not a setting${suggestion(key, keys)}`,
      );
    }
  }
}

function readOne<Value>(setting: Setting<Value>, environment: Environment, file: Table): Value {
  const key = fileKey(setting.name);
  const fromEnvironment = environment[setting.name];
  let given: string;
  let where = setting.name;
  if (fromEnvironment !== undefined && fromEnvironment !== '') given = fromEnvironment.trim();
  else if (key !== null && file[key] !== undefined) {
    const value = file[key];
    given = Array.isArray(value)
      ? value.join(',')
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value);
    where = `"${key}" in the settings file`;
  } else return setting.byDefault;
  const parsed = setting.parse(given);
  if ('value' in parsed) return parsed.value;
  const wrong = setting.isSecret ? 'is not right: it' : `is ${JSON.stringify(given)}, but it`;
  throw new AppError('bad-request', `${where} ${wrong} takes ${parsed.takes}`);
}

const cameraId = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/**
 * `[[camera]]` tables; the camera `default` comes from the setting CAMERA unless the file has one of that id, and
 * from OPENCV_CAMERA_SOURCE where that is `opencv`.
 */
function readCameras(driver: string, webcam: string, file: Table): CameraSettings[] {
  const tables = file.camera ?? [];
  if (!Array.isArray(tables))
    throw new AppError('bad-request', 'cameras stand in the settings file as [[camera]], twice bracketed');
  const cameras = tables.map((table: Table, index): CameraSettings => {
    const { id, name, driver, ...options } = table;
    const which = `[[camera]] number ${index + 1} in the settings file`;
    if (typeof id !== 'string' || !cameraId.test(id)) {
      throw new AppError(
        'bad-request',
        `${which}: "id" is ${JSON.stringify(id)}, but it takes lower-case letters, digits, - and _`,
      );
    }
    if (typeof driver !== 'string' || driver === '')
      throw new AppError('bad-request', `${which}: "driver" is missing`);
    if (name !== undefined && typeof name !== 'string')
      throw new AppError('bad-request', `${which}: "name" takes text`);
    return { id, name: name ?? id, driver, options };
  });
  const twice = cameras.find(({ id }, index) => cameras.findIndex((other) => other.id === id) !== index);
  if (twice) throw new AppError('bad-request', `the settings file has two cameras with the id "${twice.id}"`);
  if (!cameras.some(({ id }) => id === 'default')) {
    const options = driver === 'opencv' ? { device: webcam } : {};
    cameras.unshift({ id: 'default', name: 'Camera', driver, options });
  }
  return cameras;
}

/** ` (did you mean X?)` where one known name is near. */
function suggestion(given: string, known: readonly string[]): string {
  const nearest = known
    .map((name) => ({ name, distance: editDistance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && nearest.distance <= Math.max(2, given.length / 4)
    ? `; did you mean ${nearest.name}?`
    : '; `kinora --help` lists them';
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
