// Turns the text of a setting into its value: a parser for each kind of thing that settings hold.
import { isIP } from 'node:net';
import { type ProcessRole, processRoles } from './config.ts';

/** Turns the text of a setting into its value, or returns what it takes (then the text was wrong). */
export type Parse<Value> = (text: string) => { value: Value } | { takes: string };

export function wholeNumber(from: number, to: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    return /^\d{1,16}$/.test(text) && value >= from && value <= to
      ? { value }
      : { takes: `a whole number from ${from} to ${to}` };
  };
}

const byteUnits: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** `100000`, `64M`, `2 GB`: decimal units, as sizes are shown everywhere in the program. */
export const bytes: Parse<number> = (text) => {
  const match = /^(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?)b?$/i.exec(text);
  const value = match ? Math.round(Number(match[1]) * (byteUnits[(match[2] ?? '').toLowerCase()] ?? 1)) : 0;
  return value > 0 ? { value } : { takes: 'a number of bytes above 0, such as 100000 or 2 GB' };
};

/** The same, and 0. */
export const bytesOrNone: Parse<number> = (text) =>
  /^0+$/.test(text)
    ? { value: 0 }
    : 'value' in bytes(text)
      ? bytes(text)
      : { takes: 'a number of bytes, such as 0 or 2 GB' };

export function days(from: number, to: number): Parse<number> {
  return (text) => {
    const parsed = wholeNumber(from, to)(text);
    return 'value' in parsed ? { value: parsed.value * 86_400_000 } : { takes: `${parsed.takes} days` };
  };
}

export function seconds(from: number, to: number): Parse<number> {
  return (text) => {
    const value = Number(text);
    return /^\d{1,6}(\.\d{1,3})?$/.test(text) && value >= from && value <= to
      ? { value: value * 1000 }
      : { takes: `seconds from ${from} to ${to}` };
  };
}

export function oneOf<const Choice extends string>(...choices: Choice[]): Parse<Choice> {
  return (text) =>
    (choices as string[]).includes(text) ? { value: text as Choice } : { takes: choices.join(', ') };
}

export const text: Parse<string> = (value) =>
  value !== '' && !value.includes('\0') ? { value } : { takes: 'some text' };

/** A host name or address to listen on; no port, no scheme. */
export const host: Parse<string> = (value) =>
  /^[a-zA-Z0-9.:_-]{1,253}$/.test(value) ? { value } : { takes: 'an address or host name to listen on' };

/** A number as OpenCV counts cameras, or the device itself. */
export const videoDevice: Parse<string> = (value) => {
  if (/^\d{1,3}$/.test(value)) return { value: `/dev/video${Number(value)}` };
  return /^\/dev\/(video\d{1,3}|v4l\/by-(id|path)\/[\w:.+-]{1,200})$/.test(value)
    ? { value }
    : { takes: 'a number such as 0, or a device such as /dev/video0' };
};

/** `all`, or roles with commas between. */
export const roles: Parse<ReadonlySet<ProcessRole>> = (value) => {
  const named = value.split(',').map((role) => role.trim());
  if (named.length === 1 && named[0] === 'all') return { value: new Set(processRoles) };
  const isRole = (name: string): name is ProcessRole => (processRoles as readonly string[]).includes(name);
  return named.every(isRole) ? { value: new Set(named) } : { takes: `all, or of ${processRoles.join(', ')}` };
};

/** `mongodb://host/name`, as the database's driver takes it; it looks at the rest. */
export const mongoUrl: Parse<string> = (value) =>
  /^mongodb(\+srv)?:\/\/[^\s/]+(\/[^\s]*)?$/.test(value)
    ? { value }
    : { takes: 'the address of a MongoDB such as mongodb://host:27017/kinora' };

/** `https://videos.example.org`: scheme, host and port, nothing after it. The value is the origin as browsers say it. */
export const origin: Parse<string> = (value) => {
  const takes = 'an address such as https://videos.example.org, with no path after it';
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) return { takes };
  const url = new URL(value);
  const isBare = url.pathname === '/' && !/[?#]/.test(value) && url.username === '' && url.password === '';
  return isBare ? { value: url.origin } : { takes };
};

/** One such address, or several with commas between; the value has them as browsers say them, with commas. */
export const origins: Parse<string> = (value) => {
  const parts = value.split(',').map((part) => origin(part.trim()));
  const known = parts.map((part) => ('value' in part ? part.value : null));
  return known.length <= 20 && !known.includes(null)
    ? { value: known.join(',') }
    : { takes: 'addresses such as http://10.0.0.7:5000, with commas between and no path after them' };
};

/** Splits at commas; each part has to pass, and none may be empty. */
function list(isOne: (part: string) => boolean, takes: string): Parse<readonly string[]> {
  return (value) => {
    const parts = value.split(',').map((part) => part.trim());
    return parts.length <= 100 && parts.every(isOne) ? { value: parts } : { takes };
  };
}

const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*$/i;

/** Names of this machine, lower case. */
export const hostNames: Parse<readonly string[]> = (value) =>
  list(
    (part) => hostName.test(part),
    'host names with commas between, such as kinora.example.org',
  )(value.toLowerCase());

/** Addresses and networks (CIDR). */
export const networks: Parse<readonly string[]> = list((part) => {
  const [address = '', bits, ...more] = part.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || address.includes('%')) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}, 'addresses or networks with commas between, such as 192.0.2.7, 10.0.0.0/8');

/** Headers that say something else already, and must never be believed to name a person. */
const takenHeaders = /^(host|cookie|authorization|origin|referer|user-agent|accept.*|content-.*|sec-.*)$/;

/** A header's name (RFC 9110 section 5.1), lower case. */
export const headerName: Parse<string> = (value) => {
  const name = value.toLowerCase();
  return /^[a-z0-9][a-z0-9-]{0,63}$/.test(name) && !takenHeaders.test(name)
    ? { value: name }
    : { takes: 'the name of a header of its own, such as remote-user' };
};

/** What processes prove themselves with; it goes into a header, so it is plain ASCII without spaces. */
export const secret: Parse<string> = (value) =>
  /^[\x21-\x7e]{32,512}$/.test(value)
    ? { value }
    : { takes: 'at least 32 letters, digits and signs without spaces (`openssl rand -hex 32` makes some)' };

/** `smtp://user:password@mail.example.org:587`, `smtps://` with TLS from the start. */
export const smtpUrl: Parse<string> = (value) =>
  /^smtps?:\/\/[^\s/]/i.test(value) && URL.canParse(value)
    ? { value }
    : { takes: 'an address such as smtp://user:password@mail.example.org:587' };

/** `kinora@example.org` or `Kinora <kinora@example.org>`. */
export const mailbox: Parse<string> = (value) =>
  /^([^<>\r\n"]{1,100} <[^\s<>@]{1,64}@[^\s<>@]{1,253}>|[^\s<>@]{1,64}@[^\s<>@]{1,253})$/.test(value)
    ? { value }
    : { takes: 'an e-mail address such as kinora@example.org, or Kinora <kinora@example.org>' };

/** Hosts at home, which a provider may stand on without TLS. */
const nearHost = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** An OpenID provider's issuer (OpenID Connect Core 1.0 section 2): https, or this very machine. */
export const issuer: Parse<string> = (value) => {
  const url = URL.canParse(value) ? new URL(value) : null;
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && nearHost.test(url.hostname));
  return url && isSafe && !/[?#]/.test(value) && url.username === '' && url.password === ''
    ? { value }
    : { takes: 'an address that begins with https://, as the provider names itself' };
};
