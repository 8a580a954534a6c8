// Keeps passwords of cameras out of everything that is shown, answered or logged.
import type { DriverOptions } from './driver.ts';

const secretOption = /pass|secret|token|key|credential/i;

/** Whether an option must not be seen: by its name, or because it is an address with a log-in in it. */
export function isSecretOption(name: string, value: string): boolean {
  return secretOption.test(name) || secretsIn(value).length > 0;
}

/**
 * Options as people may see them: without the secret ones, and addresses without the log-in in them.
 * `secrets` names what is set and was left out, or shown without its log-in.
 */
export function shownOptions(options: DriverOptions): {
  options: Readonly<Record<string, unknown>>;
  secrets: readonly string[];
} {
  const shown: Record<string, unknown> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'string' && value !== '' && isSecretOption(name, value)) {
      secrets.push(name);
      if (!secretOption.test(name)) shown[name] = withoutLogIn(value);
    } else shown[name] = value;
  }
  return { options: shown, secrets };
}

/** An address without user name, password and the query values that speak of secrets. */
export function withoutLogIn(address: string): string {
  if (!URL.canParse(address)) return address;
  const url = new URL(address);
  url.username = '';
  url.password = '';
  for (const key of [...url.searchParams.keys()]) if (isSecretKey(key)) url.searchParams.delete(key);
  return url.href;
}

/** Whether a query key of an address speaks of a secret: cheap cameras take `?usr=..&pwd=..`. */
export function isSecretKey(key: string): boolean {
  return secretOption.test(key) || /pwd/i.test(key);
}

/** Longest message that is passed on: a driver's error may quote a whole page of HTML. */
const maxMessageChars = 300;

/**
 * A text that came from a driver, on one line, bounded, without the log-in part of any URL, without query values
 * of the camera's own address, and without the values of options whose names speak of secrets.
 */
export function withoutSecrets(text: string, options: DriverOptions): string {
  let shown = text;
  for (const secret of secretsOf(options)) shown = shown.replaceAll(secret, '***');
  // Bounded classes, so that a hostile text cannot make this slow.
  shown = shown.slice(0, 4 * maxMessageChars).replace(/:\/\/[^\s/@]{1,512}@/g, '://***@');
  shown = shown.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  return shown.length > maxMessageChars ? `${shown.slice(0, maxMessageChars - 1)}…` : shown;
}

function secretsOf(options: DriverOptions): string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    if (typeof value !== 'string' || value === '') continue;
    if (secretOption.test(name)) secrets.push(value);
    secrets.push(...secretsIn(value));
  }
  // Long ones first, so that a secret that contains another leaves no rest. Under 3 characters it would eat words.
  return secrets.filter((secret) => secret.length >= 3).sort((a, b) => b.length - a.length);
}

/** The secrets within an address. */
function secretsIn(value: string): string[] {
  if (!URL.canParse(value)) return [];
  const url = new URL(value);
  const secrets: string[] = [];
  const userInfo = /^[a-z][a-z0-9+.-]*:\/\/([^/@]*(?:@[^/@]*)*)@/i.exec(value)?.[1];
  if (userInfo) secrets.push(userInfo);
  if (url.password) secrets.push(url.password, decode(url.password));
  // Cheap cameras take the log-in as `?usr=..&pwd=..`: none of those values is for others to see.
  for (const [key, part] of url.searchParams) if (isSecretKey(key)) secrets.push(part);
  return secrets;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
