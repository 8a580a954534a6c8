// A small RTSP camera (RFC 2326) for tests: H.264 over the RTSP connection itself (interleaved, §10.12), with G.711
// sound and a basic or digest log-in where asked, and as hostile as a test wants it.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export type RtspRequest = { method: string; url: string; headers: ReadonlyMap<string, string> };

export type RtspCameraSetup = {
  /** Access units, each a list of NAL units without start codes; again from the first when they end. */
  units: readonly (readonly Buffer[])[];
  fps?: number;
  hasSound?: boolean;
  logIn?: { scheme: 'basic' | 'digest'; user: string; password: string };
  /** RTP time of unit `number` in 90 kHz; `number * 90000 / fps` unless told. */
  timeOf?: (number: number) => number;
  /** Leaves the parameter sets out of the description. */
  isDescriptionBare?: boolean;
  /** The answer instead of the usual one: text as it is, `silence`, or null for the usual. */
  answer?: (request: RtspRequest, socket: Socket) => string | 'silence' | null;
  /** Ends each connection after so many units. */
  unitsPerConnection?: number;
  /** Says nothing more after so many units, and keeps the connection. */
  silentAfter?: number;
};

export type RtspCamera = {
  readonly url: string;
  readonly requests: RtspRequest[];
  readonly connections: number;
  close(): Promise<void>;
};

const md5 = (text: string) => createHash('md5').update(text).digest('hex');
const nonce = '5f3c1a9e';

/** The access units of an Annex B file whose pictures have one slice each. */
export function accessUnitsOf(annexB: Buffer): Buffer[][] {
  const units: Buffer[][] = [];
  let current: Buffer[] = [];
  const code = Buffer.of(0, 0, 1);
  for (let at = annexB.indexOf(code); at >= 0; ) {
    const start = at + 3;
    at = annexB.indexOf(code, start);
    let end = at < 0 ? annexB.length : at;
    while (annexB[end - 1] === 0) end -= 1;
    const unit = annexB.subarray(start, end);
    current.push(unit);
    const type = unit[0]! & 31;
    if (type === 1 || type === 5) {
      units.push(current);
      current = [];
    }
  }
  return units;
}

export async function startRtspCamera(setup: RtspCameraSetup): Promise<RtspCamera> {
  const requests: RtspRequest[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, setup, requests);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `rtsp://127.0.0.1:${port}/cam`,
    requests,
    get connections() {
      return sockets.size;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, setup: RtspCameraSetup, requests: RtspRequest[]): void {
  let text = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    text = Buffer.concat([text, chunk]);
    for (;;) {
      // Receiver reports come between the requests.
      if (text[0] === 0x24) {
        if (text.length < 4 || text.length < 4 + text.readUInt16BE(2)) return;
        text = text.subarray(4 + text.readUInt16BE(2));
        continue;
      }
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const [first = '', ...lines] = text.toString('latin1', 0, end).split('\r\n');
      text = text.subarray(end + 4);
      const [method = '', url = ''] = first.split(' ');
      const headers = new Map(
        lines.map((line) => {
          const colon = line.indexOf(':');
          return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
        }),
      );
      const request = { method, url, headers };
      requests.push(request);
      answer(socket, setup, request);
    }
  });
}

function answer(socket: Socket, setup: RtspCameraSetup, request: RtspRequest): unknown {
  const own = setup.answer?.(request, socket) ?? null;
  if (own === 'silence') return;
  if (own !== null) return socket.write(own);
  const reply = (status: string, headers: readonly string[] = [], body = '') => {
    const length = body ? [`Content-Length: ${body.length}`] : [];
    const all = [`CSeq: ${request.headers.get('cseq')}`, 'Session: 12345678', ...headers, ...length];
    socket.write(`RTSP/1.0 ${status}\r\n${all.join('\r\n')}\r\n\r\n${body}`);
  };
  const { logIn } = setup;
  if (logIn && request.method !== 'OPTIONS' && !isLoggedIn(logIn, request)) {
    const challenge =
      logIn.scheme === 'basic' ? 'Basic realm="cam"' : `Digest realm="cam", nonce="${nonce}", algorithm=MD5`;
    return reply('401 Unauthorized', [`WWW-Authenticate: ${challenge}`]);
  }
  switch (request.method) {
    case 'OPTIONS':
      return reply('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']);
    case 'DESCRIBE':
      return reply(
        '200 OK',
        ['Content-Type: application/sdp', `Content-Base: ${request.url}/`],
        description(setup),
      );
    case 'SETUP':
      return reply('200 OK', [`Transport: ${request.headers.get('transport')}`]);
    case 'PLAY':
      reply('200 OK', ['Range: npt=now-']);
      return play(socket, setup);
    case 'TEARDOWN':
      reply('200 OK');
      return socket.end();
    default:
      return reply('200 OK');
  }
}

function isLoggedIn(logIn: NonNullable<RtspCameraSetup['logIn']>, { method, headers }: RtspRequest): boolean {
  const given = headers.get('authorization') ?? '';
  if (logIn.scheme === 'basic')
    return given === `Basic ${Buffer.from(`${logIn.user}:${logIn.password}`).toString('base64')}`;
  const field = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(given)?.[1] ?? '';
  const mine = md5(`${logIn.user}:cam:${logIn.password}`);
  return field('response') === md5(`${mine}:${nonce}:${md5(`${method}:${field('uri')}`)}`);
}

function description({ units, hasSound, isDescriptionBare }: RtspCameraSetup): string {
  const sets = units[0]!
    .filter((unit) => [7, 8].includes(unit[0]! & 31))
    .map((unit) => unit.toString('base64'));
  return [
    'v=0',
    'o=- 0 0 IN IP4 127.0.0.1',
    's=camera',
    't=0 0',
    'm=video 0 RTP/AVP 96',
    'c=IN IP4 0.0.0.0',
    'a=rtpmap:96 H264/90000',
    isDescriptionBare
      ? 'a=fmtp:96 packetization-mode=1'
      : `a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${sets.join(',')}`,
    'a=control:track0',
    ...(hasSound ? ['m=audio 0 RTP/AVP 0', 'a=rtpmap:0 PCMU/8000', 'a=control:track1'] : []),
    '',
  ].join('\r\n');
}

/** Largest piece of a unit in one RTP packet. */
const pieceBytes = 1200;

function play(socket: Socket, setup: RtspCameraSetup): void {
  const { units, fps = 25, hasSound, timeOf = (number) => (number * 90_000) / fps } = setup;
  let number = 0;
  let sequence = 1;
  let soundSequence = 1;
  const send = (channel: number, payloadType: number, isLast: boolean, time: number, payload: Buffer) => {
    const head = Buffer.alloc(16);
    head.write('$', 0, 'latin1');
    head[1] = channel;
    head.writeUInt16BE(12 + payload.length, 2);
    head[4] = 0x80; //                                        RTP version 2 (RFC 3550 §5.1)
    head[5] = payloadType | (isLast ? 0x80 : 0);
    head.writeUInt16BE((channel === 0 ? sequence++ : soundSequence++) & 0xffff, 6);
    head.writeUInt32BE(time >>> 0, 8);
    head.writeUInt32BE(0x1234_5678, 12);
    socket.write(head);
    socket.write(payload);
  };
  const sendUnit = (unit: Buffer, isLast: boolean, time: number) => {
    if (unit.length <= pieceBytes) return send(0, 96, isLast, time, unit);
    // FU-A (RFC 6184 §5.8)
    for (let at = 1; at < unit.length; at += pieceBytes) {
      const end = Math.min(unit.length, at + pieceBytes);
      const flags = (at === 1 ? 0x80 : 0) | (end === unit.length ? 0x40 : 0);
      const head = Buffer.of((unit[0]! & 0xe0) | 28, flags | (unit[0]! & 31));
      send(0, 96, isLast && end === unit.length, time, Buffer.concat([head, unit.subarray(at, end)]));
    }
  };
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    const unit = units[number % units.length]!;
    // Not from 0, which FFmpeg takes for no time at all; cameras begin at random (RFC 3550 §5.1).
    const time = 90_000 + timeOf(number);
    for (const [at, piece] of unit.entries()) sendUnit(piece, at === unit.length - 1, time);
    // As much sound as one picture lasts: a quiet square wave in µ-law.
    if (hasSound) {
      const count = Math.round(8000 / fps);
      send(
        2,
        0,
        false,
        8000 + number * count,
        Buffer.from(Array.from({ length: count }, (_, i) => (i & 8 ? 0x70 : 0xf0))),
      );
    }
    number += 1;
    if (number === setup.silentAfter) return clearInterval(timer);
    if (number === setup.unitsPerConnection) {
      clearInterval(timer);
      socket.end();
    }
  }, 1000 / fps);
}
