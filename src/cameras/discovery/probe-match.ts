// Reads a WS-Discovery ProbeMatches message (WS-Discovery April 2005 §5.3, SOAP over UDP) as far as a list of cameras
// needs it. Hostile: whoever is in the network can answer. No document types, entities or CDATA, no tree, and every
// pattern stops at the next angle bracket, so that each byte is looked at a bounded number of times.
import { plainText } from './plain-text.ts';

/** SOAP-over-UDP allows what fits a datagram; cameras send under 4 KB. */
const maxMessageChars = 32 * 1024;
const maxScopes = 50;

export type ProbeMatch = {
  /** From its scopes (ONVIF Core §7.3.2.2: `onvif://www.onvif.org/name/...`); empty where it tells none. */
  readonly name: string;
  /** Addresses of its device service, http and https only. */
  readonly addresses: readonly URL[];
};

/** The match in an answer to the probe of that id; null where this is no such answer. Never throws. */
export function readProbeMatch(message: string, probeId: string): ProbeMatch | null {
  if (message.length > maxMessageChars || message.includes('<!')) return null;
  if (textOf(message, 'RelatesTo') !== probeId) return null;
  const types = textOf(message, 'Types') ?? '';
  if (!/NetworkVideoTransmitter|Device\b/.test(types)) return null;
  const addresses = words(textOf(message, 'XAddrs') ?? '').filter((word) => URL.canParse(word));
  const scopes = words(textOf(message, 'Scopes') ?? '');
  return {
    name: [scopeOf(scopes, 'name'), scopeOf(scopes, 'hardware')].filter((text) => text !== '').join(' '),
    addresses: addresses
      .map((word) => new URL(word))
      .filter(({ protocol }) => protocol === 'http:' || protocol === 'https:'),
  };
}

/** The text of the first element of that local name; null where there is none or it holds elements. */
function textOf(message: string, name: string): string | null {
  const found = new RegExp(`<(?:[\\w.-]{1,40}:)?${name}(?:\\s[^<>]{0,500})?>([^<>]{0,8000})</`).exec(message);
  return found ? decodeXml(found[1]!).trim() : null;
}

function words(text: string): string[] {
  return text.split(/\s+/, maxScopes).filter((word) => word !== '');
}

function scopeOf(scopes: readonly string[], kind: string): string {
  const prefix = `onvif://www.onvif.org/${kind}/`;
  const scope = scopes.find((each) => each.toLowerCase().startsWith(prefix));
  if (!scope) return '';
  const value = scope.slice(prefix.length);
  try {
    return plainText(decodeURIComponent(value));
  } catch {
    return plainText(value);
  }
}

const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The five entities XML itself has and character references (XML 1.0 §4.1, §4.6); others stay as they are. */
function decodeXml(text: string): string {
  return text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|([a-z]{2,4}));/gi, (whole, hex, decimal, name) => {
    if (name) return named[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
