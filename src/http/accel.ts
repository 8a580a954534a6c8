// Lets the nginx in front send what lies in a stored file (`X-Accel-Redirect`, deploy/nginx/): the request has been
// allowed and planned here, and only the moving of the bytes is handed over. What nginx cannot do is sent from here.
import type { IncomingMessage } from 'node:http';
import type { Config } from '../config.ts';
import type { Piece, Representation } from './representation.ts';
import type { ResponsePlan } from './response-plan.ts';
import { createProxyCheck } from './trusted-proxies.ts';

/** Locations of deploy/nginx/: whole files, where nginx sees to the range; and one stretch of a file as it is told. */
const filesLocation = '/-kinora/files/';
const slicesLocation = '/-kinora/slices/';
/** What of the two an nginx has, with a space between; its configuration sets it, whatever the client says. */
const abilityHeader = 'x-kinora-accel';

/** Less is not worth a request more. */
const worthBytes = 1024 * 1024;

export type HandOver = {
  /** Names and values in turn, as `writeHead` takes them. There is no body. */
  readonly headers: string[];
  /** Of the representation, which nginx sends. */
  readonly sizeBytes: number;
};

export type Accel = {
  /**
   * Most bytes that are sent from here when a browser's player asks for the head of a view and all that follows: the
   * head, so that its next request is one for nginx. null where the answer stays as it was planned.
   */
  ownBytes(request: IncomingMessage, plan: ResponsePlan, representation: Representation): number | null;
  /** How nginx is told to send what was planned; null where it is sent from here. */
  handOver(request: IncomingMessage, plan: ResponsePlan, representation: Representation): HandOver | null;
};

/** null where `KINORA_ACCEL` is off. */
export function createAccel({ server }: Pick<Config, 'server'>): Accel | null {
  if (!server.accel) return null;
  const isProxy = createProxyCheck(server.trustedProxies);
  const abilitiesOf = ({ headers, socket }: IncomingMessage): readonly string[] => {
    const abilities = headers[abilityHeader];
    // Anybody else would get an empty answer, and a path that is none of their business.
    return typeof abilities === 'string' && isProxy(socket.remoteAddress) ? abilities.split(' ') : [];
  };
  return {
    ownBytes(request, plan, representation) {
      if (!isPlayer(request) || !abilitiesOf(request).includes('slices')) return null;
      return headBytes(plan, representation);
    },
    handOver(request, plan, representation) {
      const can = abilitiesOf(request);
      if (can.length === 0) return null;
      if (request.method !== 'GET' || (plan.status !== 200 && plan.status !== 206)) return null;
      // nginx would hold these against dates and tags of its own.
      if ('if-match' in request.headers || 'if-unmodified-since' in request.headers) return null;
      const file = can.includes('files') ? handOverFile(request, plan, representation, server) : null;
      return file ?? (can.includes('slices') ? handOverSlice(plan, representation) : null);
    },
  };
}

/** A stored file as it is; nginx reads the Range itself, so it must not be able to read it in another way. */
function handOverFile(
  { headers }: IncomingMessage,
  plan: ResponsePlan,
  { pieces, sizeBytes }: Representation,
  { maxPartialBytes }: Config['server'],
): HandOver | null {
  const [piece, ...more] = pieces;
  if (piece?.kind !== 'blob' || more.length > 0 || piece.reader.filePath === undefined) return null;
  if (piece.start !== 0 || piece.end !== piece.reader.sizeBytes) return null;
  if (plan.slices.length !== 1) return null;
  if (plan.status === 200) {
    // With a Range that was ignored nginx might not ignore it; it ignores those of an entity tag that has passed.
    if (headers.range !== undefined && !isOneTag(headers['if-range'])) return null;
    if (headers.range !== undefined && !isSimple(headers.range)) return null;
    return told(plan, filesLocation + piece.reader.filePath, sizeBytes);
  }
  if (maxPartialBytes !== Number.POSITIVE_INFINITY || !isSimple(headers.range)) return null;
  if (headers['if-range'] !== undefined && !isOneTag(headers['if-range'])) return null;
  const [slice] = plan.slices;
  return told(
    plan,
    filesLocation + piece.reader.filePath,
    slice?.kind === 'range' ? slice.end - slice.start : 0,
  );
}

/**
 * A browser's media element: it asks again where an answer ends early, as RFC 9110 §15.3.7 lets it. Programs that do
 * not (FFmpeg's takes the end of such an answer for a broken connection) send no such header.
 */
function isPlayer({ method, headers }: IncomingMessage): boolean {
  const { 'sec-fetch-dest': dest } = headers;
  return method === 'GET' && (dest === 'video' || dest === 'audio');
}

/** How much of a planned range comes before a stored file that a good part of it lies in. */
function headBytes({ status, slices }: ResponsePlan, { pieces }: Representation): number | null {
  const [slice] = slices;
  const [head, body] = pieces;
  if (status !== 206 || slices.length !== 1 || slice?.kind !== 'range' || pieces.length !== 2) return null;
  if (head?.kind !== 'bytes' || body?.kind !== 'blob' || body.reader.filePath === undefined) return null;
  const own = head.bytes.length - slice.start;
  return own > 0 && slice.end - head.bytes.length >= worthBytes ? own : null;
}

/** One range that lies in one stored file. */
function handOverSlice(plan: ResponsePlan, { pieces }: Representation): HandOver | null {
  const [slice] = plan.slices;
  if (plan.status !== 206 || plan.slices.length !== 1 || slice?.kind !== 'range') return null;
  const found = locate(pieces, slice.start, slice.end);
  if (!found) return null;
  const sizeBytes = slice.end - slice.start;
  const from = found.piece.start + slice.start - found.at;
  const path = slicesLocation + found.piece.reader.filePath;
  return told(plan, path, sizeBytes, ['X-Kinora-Slice', `${from} ${sizeBytes}`]);
}

/** The one stored file in which all of a stretch of the representation lies, and where in the latter it begins. */
function locate(pieces: readonly Piece[], start: number, end: number) {
  let at = 0;
  for (const piece of pieces) {
    const size = piece.kind === 'bytes' ? piece.bytes.length : piece.end - piece.start;
    if (start >= at && end <= at + size)
      return piece.kind === 'blob' && piece.reader.filePath !== undefined ? { piece, at } : null;
    at += size;
  }
  return null;
}

/** The plan's headers as nginx takes them: it counts the bytes itself, and says that it takes ranges by itself (200). */
function told(plan: ResponsePlan, path: string, sizeBytes: number, more: readonly string[] = []): HandOver {
  const headers = ['X-Accel-Redirect', path, 'Content-Length', '0', ...more];
  for (let at = 0; at + 1 < plan.headers.length; at += 2) {
    const name = plan.headers[at]!;
    if (name === 'Content-Length' || (name === 'Accept-Ranges' && plan.status === 200)) continue;
    headers.push(name, plan.headers[at + 1]!);
  }
  return { headers, sizeBytes };
}

/** One range in the form that every parser reads alike. */
function isSimple(range: string | undefined): boolean {
  return range !== undefined && /^bytes=(\d{1,15}-\d{0,15}|-\d{1,15})$/.test(range);
}

/** An If-Range with an entity tag: compared by its characters, here as there. A date has rules that nginx has not. */
function isOneTag(value: string | string[] | undefined): boolean {
  return typeof value === 'string' && /^(W\/)?"[^"]*"$/.test(value);
}
