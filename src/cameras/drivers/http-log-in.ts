// Logging in to an HTTP camera: answers its challenge with digest (RFC 7616, SHA-256 or MD5) where it takes that,
// else with basic credentials (RFC 7617). Nothing secret goes out before the camera has asked.
import { createHash, randomBytes } from 'node:crypto';

export type LogIn = { readonly user: string; readonly password: string };

type Challenge = { readonly scheme: string; readonly parameters: ReadonlyMap<string, string> };

/** Digest algorithms (RFC 7616 §6.1), best first, and what Node calls their hash. */
const hashes: readonly (readonly [string, string])[] = [
  ['SHA-256', 'sha256'],
  ['SHA-256-SESS', 'sha256'],
  ['MD5', 'md5'],
  ['MD5-SESS', 'md5'],
];

/** More than this in one header is no challenge of a camera. */
const maxTokens = 100;

/**
 * The Authorization field for a GET of `target` (path and query), or null where the camera takes no log-in known
 * here. A camera that refuses without a challenge is given basic credentials: some forget it.
 */
export function answerChallenge(
  header: string | undefined,
  { user, password }: LogIn,
  target: string,
  clientNonce: string = randomBytes(16).toString('hex'),
): string | null {
  const challenges = readChallenges(header ?? '');
  for (const [algorithm, hash] of hashes) {
    const found = challenges.find(
      ({ scheme, parameters }) =>
        scheme === 'digest' && (parameters.get('algorithm') ?? 'MD5').toUpperCase() === algorithm,
    );
    const answer = found && digest(found.parameters, hash, { user, password }, target, clientNonce);
    if (answer) return answer;
  }
  const isBasic = challenges.length === 0 || challenges.some(({ scheme }) => scheme === 'basic');
  return isBasic ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : null;
}

/** Whether the camera only wants a newer nonce (RFC 7616 §3.3, `stale`): then the log-in itself was right. */
export function isStale(header: string | undefined): boolean {
  return readChallenges(header ?? '').some(
    ({ parameters }) => parameters.get('stale')?.toLowerCase() === 'true',
  );
}

/** RFC 7616 §3.4; null where the challenge lacks what it needs or protects more than the request line. */
function digest(
  parameters: Challenge['parameters'],
  hash: string,
  { user, password }: LogIn,
  target: string,
  clientNonce: string,
): string | null {
  const nonce = parameters.get('nonce');
  if (nonce === undefined) return null;
  const realm = parameters.get('realm') ?? '';
  const algorithm = parameters.get('algorithm');
  const protections = (parameters.get('qop') ?? '').toLowerCase().split(/[\s,]+/);
  const hasQop = parameters.has('qop');
  if (hasQop && !protections.includes('auth')) return null;

  const h = (text: string) => createHash(hash).update(text, 'utf8').digest('hex');
  let secret = h(`${user}:${realm}:${password}`);
  if (algorithm?.toUpperCase().endsWith('-SESS')) secret = h(`${secret}:${nonce}:${clientNonce}`);
  const request = h(`GET:${target}`);
  // Without qop as RFC 2069 had it: cameras of old.
  const middle = hasQop ? `${nonce}:00000001:${clientNonce}:auth` : nonce;
  const isHashed = parameters.get('userhash')?.toLowerCase() === 'true';
  const fields = [
    ...userField(isHashed ? h(`${user}:${realm}`) : user),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(target)}`,
    ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
    `response="${h(`${secret}:${middle}:${request}`)}"`,
    ...(parameters.has('opaque') ? [`opaque=${quoted(parameters.get('opaque')!)}`] : []),
    ...(hasQop ? ['qop=auth', 'nc=00000001', `cnonce="${clientNonce}"`] : []),
    ...(isHashed ? ['userhash=true'] : []),
  ];
  return `Digest ${fields.join(', ')}`;
}

/** What no header can hold goes in the extended notation (RFC 8187 §3.2). */
function userField(user: string): string[] {
  if (/^[\x20-\x7e]*$/.test(user)) return [`username=${quoted(user)}`];
  const encoded = encodeURIComponent(user.toWellFormed()).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return [`username*=UTF-8''${encoded}`];
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The challenges of a WWW-Authenticate field (RFC 9110 §11.6.1), several in one line too; nonsense is stepped over. */
function readChallenges(header: string): Challenge[] {
  const token = /[\s,]*([\w!#$%&'*+.^`|~-]+)(?:[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/gy;
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  for (let count = 0; count < maxTokens; count++) {
    const match = token.exec(header);
    if (!match) break;
    const [, name = '', inQuotes, bare] = match;
    if (inQuotes === undefined && bare === undefined) {
      found.push({ scheme: name.toLowerCase(), parameters: new Map() });
    } else {
      const value = inQuotes === undefined ? bare! : inQuotes.replace(/\\(.)/g, '$1');
      const { parameters } = found.at(-1) ?? {};
      if (parameters && !parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
    }
  }
  return found;
}
