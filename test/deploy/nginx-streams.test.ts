// The nginx configuration that is handed out holds nothing back: in front of a stand-in that speaks HTTP by hand, a byte
// of an upload arrives when it was sent, a live picture goes on when it came, and a client that does not read stops
// the camera's stream instead of piling it up.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { missingNginx, type Nginx, serverName, startNginx } from '../helpers/nginx.ts';
import { until } from '../helpers/until.ts';

/** One request as it came to the stand-in. */
type Asked = { readonly socket: Socket; received: string };

describe('nginx, as it is configured here', { skip: missingNginx() }, () => {
  let nginx: Nginx;
  const asked: Asked[] = [];
  const standIn = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      const text = piece.toString('latin1');
      if (text.startsWith('GET /livez'))
        return void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      const last = asked.at(-1);
      if (/^(GET|PATCH|POST) \//.test(text)) asked.push({ socket, received: text });
      else if (last?.socket === socket) last.received += text;
    });
  });
  const newest = (path: string) =>
    until(() => asked.find(({ received }) => received.split('\r\n', 1)[0]!.includes(path)), { what: path });

  before(async () => {
    standIn.listen(0, '127.0.0.1');
    await once(standIn, 'listening');
    nginx = await startNginx({ upstream: `127.0.0.1:${(standIn.address() as AddressInfo).port}` });
  });
  after(async () => {
    await nginx?.close();
    for (const { socket } of asked) socket.destroy();
    standIn.close();
  });

  const options = (path: string, method = 'GET') => ({
    ...{ host: '127.0.0.1', port: nginx.port, path, method, agent: false, rejectUnauthorized: false },
    headers: { host: serverName },
  });

  test('a byte of an upload arrives before the next is sent', async () => {
    const upload = request({
      ...options('/upload-one', 'PATCH'),
      headers: { host: serverName, 'content-length': '1000000' },
    });
    upload.on('error', () => {});
    upload.write('A');
    const there = await newest('/upload-one');
    await until(() => there.received.endsWith('\r\n\r\nA'), { what: 'the first byte' });
    upload.write('B');
    await until(() => there.received.endsWith('AB'), { what: 'the second byte' });
    upload.destroy();
    await until(() => there.socket.destroyed || there.socket.readableEnded, {
      what: 'the cut to be passed on',
    });
  });

  test('over HTTP/2 too', async () => {
    const session = connect(nginx.url, { servername: serverName, rejectUnauthorized: false });
    session.on('error', () => {});
    const stream = session.request(
      { ':method': 'POST', ':path': '/upload-two', ':authority': serverName, 'content-length': '1000000' },
      { endStream: false },
    );
    stream.on('error', () => {});
    stream.write('A');
    const there = await newest('/upload-two');
    await until(() => there.received.endsWith('\r\n\r\nA'), { what: 'the first byte' });
    stream.write('B');
    await until(() => there.received.endsWith('AB'), { what: 'the second byte' });
    session.destroy();
  });

  test('a refusal comes back before the body has been sent', async () => {
    const upload = request({
      ...options('/upload-refused', 'POST'),
      headers: { host: serverName, 'content-length': '1000000' },
    });
    upload.on('error', () => {});
    upload.write('A');
    const there = await newest('/upload-refused');
    there.socket.write('HTTP/1.1 415 Unsupported Media Type\r\nContent-Length: 2\r\n\r\nno');
    const [answer] = await once(upload, 'response');
    assert.equal(answer.statusCode, 415);
    upload.destroy();
  });

  test('a live picture goes on when it came', async () => {
    const viewer = request(options('/stream-soon'));
    viewer.on('error', () => {});
    viewer.end();
    const there = await newest('/stream-soon');
    there.socket.write(
      'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace\r\nConnection: close\r\n\r\n',
    );
    const [answer] = await once(viewer, 'response');
    let seen = '';
    answer.on('data', (piece: Buffer) => {
      seen += piece.toString();
    });
    for (const picture of ['one', 'two', 'three']) {
      there.socket.write(picture);
      await until(() => seen.endsWith(picture), { what: `the picture ${picture}` });
    }
    viewer.destroy();
  });

  test('a viewer who does not read stops the stream within what sockets hold', async () => {
    const viewer = request(options('/stream-stalled'));
    viewer.on('error', () => {});
    viewer.end();
    const there = await newest('/stream-stalled');
    there.socket.write('HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nConnection: close\r\n\r\n');
    const [answer] = await once(viewer, 'response');
    answer.pause();
    const piece = Buffer.alloc(1_000_000);
    let taken = 0;
    let stalledFor = 0;
    await until(
      () => {
        if (!there.socket.writableNeedDrain && taken < 300) {
          there.socket.write(piece);
          taken += 1;
          stalledFor = 0;
        } else stalledFor += 1;
        // Pauses grow to 50 ms: it has taken nothing for a second, or it takes everything.
        return stalledFor > 20 || taken >= 300;
      },
      { timeoutMs: 60_000, what: 'an end of taking' },
    );
    // Two sockets on the way, at most some 10 MB each by Linux's defaults; buffered to the disk it would be all.
    assert.ok(taken < 100, `${taken} MB were taken for somebody who reads nothing`);
    viewer.destroy();
    await until(() => there.socket.destroyed || there.socket.readableEnded, {
      what: 'the end to be passed on',
    });
  });
});
