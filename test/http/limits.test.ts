// What a client may take of time and connections, on the real routes with raw sockets and a clock the test moves. Each
// of these would go on for ever without its limit.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fastify } from 'fastify';
import { defaultLimits, installLimits, serverOptions } from '../../src/http/limits.ts';
import { viewStream } from '../helpers/camera-server.ts';
import { createFakeClock } from '../helpers/fake-clock.ts';
import { type LinkHouse, startLinkHouse } from '../helpers/link-house.ts';
import { makeMedia } from '../helpers/media/media.ts';
import { connectRaw, type RawClient } from '../helpers/raw-client.ts';
import { until } from '../helpers/until.ts';

let house: LinkHouse;
let videoId: string;
let path: string;

before(async () => {
  path = await makeMedia({ container: 'mp4', video: { codec: 'h264', seconds: 2 } });
  house = await startLinkHouse({
    settings: { KINORA_AUTH: 'none' },
    limits: { headMs: 400, headCheckMs: 50 },
    startMs: Date.now(),
  });
  ({ id: videoId } = await house.addVideo({ path, title: 'Lake' }));
});
after(() => house.close());

const closed = (client: RawClient) => until(() => client.isClosed, { what: 'the end of the connection' });
const seconds = async (count: number, each: () => void = () => {}) => {
  for (let second = 0; second < count; second += 1) {
    each();
    await house.clock.advance(1000);
  }
};
const head = (line: string, ...fields: string[]) =>
  `${[line, 'Host: localhost', ...fields].join('\r\n')}\r\n\r\n`;
const form = 'Content-Type: application/x-www-form-urlencoded';

describe('a head', () => {
  test('that does not end is refused, and so is a connection that never says a word', async () => {
    const silent = await connectRaw(house.port);
    const half = await connectRaw(house.port);
    half.send('GET / HTTP/1.1\r\nHost: localhost\r\n');
    const dripping = await connectRaw(house.port);
    dripping.send('GET / HTTP/1.1\r\nHost: localhost\r\n');
    await until(() => {
      if (!dripping.isClosed) dripping.send('X: y\r\n');
      return dripping.isClosed && half.isClosed && silent.isClosed;
    });
    for (const { statuses } of [half, dripping]) assert.deepEqual(statuses(), [408]);
  });

  test('of a hundred fields is taken, one of more is refused and none is dropped in silence', async () => {
    for (const [count, status] of [
      [99, 200],
      [100, 400],
      [3000, 400],
    ] as const) {
      const client = await connectRaw(house.port);
      client.send(head('GET /livez HTTP/1.1', ...Array.from({ length: count }, () => 'X:')));
      await until(() => client.statuses().length > 0);
      assert.deepEqual(client.statuses(), [status], `${count} fields`);
      client.close();
    }
  });

  test('or an address that is too large is refused before it is read to its end', async () => {
    for (const request of [
      head('GET /livez HTTP/1.1', `X: ${'y'.repeat(20_000)}`),
      head(`GET /${'y'.repeat(20_000)} HTTP/1.1`),
      `GET /${'y'.repeat(20_000)}`,
    ]) {
      const client = await connectRaw(house.port);
      client.send(request);
      await closed(client);
      assert.deepEqual(client.statuses(), [431]);
    }
    const long = await fetch(`${house.url}/videos/${'y'.repeat(8000)}`);
    assert.equal(long.status, 414);
  });
});

describe('a form or JSON', () => {
  const shapes = [
    ['a form', [form, 'Content-Length: 1000'], 'title='],
    ['chunks', [form, 'Transfer-Encoding: chunked'], '6\r\ntitle=\r\n'],
  ] as const;
  for (const [what, fields, start] of shapes) {
    test(`(${what}) that does not arrive within 30 s is refused, dripping or not, and changes nothing`, async () => {
      const client = await connectRaw(house.port);
      const { sleepers } = house.clock;
      client.send(head(`POST /videos/${videoId}/rename HTTP/1.1`, ...fields));
      client.send(start);
      const drip = what === 'chunks' ? '1\r\nx\r\n' : 'x';
      await until(() => house.clock.sleepers > sleepers, { what: 'the head to be read' });
      await seconds(29, () => client.send(drip));
      await house.clock.settle();
      assert.equal(client.isClosed, false);
      await seconds(2, () => client.send(drip));
      await closed(client);
      assert.deepEqual(client.statuses(), [408]);
      assert.equal((await house.library.getVideo(videoId)).title, 'Lake');
    });
  }

  test('that is slow and arrives in time is taken', async () => {
    const client = await connectRaw(house.port);
    client.send(head(`POST /videos/${videoId}/rename HTTP/1.1`, form, 'Content-Length: 10'));
    await seconds(20);
    client.send('title=');
    await seconds(5);
    client.send('Lake');
    await until(() => client.statuses().length > 0);
    assert.deepEqual(client.statuses(), [303]);
    // And the connection is as good as new.
    await seconds(60);
    client.send(head('GET /livez HTTP/1.1'));
    await until(() => client.statuses().length > 1);
    assert.deepEqual(client.statuses(), [303, 200]);
    client.close();
  });
});

describe('an upload', () => {
  const boundary = 'b';
  const start = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n`;
  const upload = async (bytes: Buffer) => {
    const client = await connectRaw(house.port);
    const end = `\r\n--${boundary}--\r\n`;
    const length = start.length + bytes.length + end.length;
    const type = `Content-Type: multipart/form-data; boundary=${boundary}`;
    client.send(head('POST /upload HTTP/1.1', type, 'Accept: application/json', `Content-Length: ${length}`));
    client.send(start);
    return { client, end };
  };

  test('that stalls for more than a minute is let go, and one that drips as well', async () => {
    const film = await readFile(path);
    const stalled = await upload(film);
    const dripping = await upload(film);
    for (const { client } of [stalled, dripping]) client.send(film.subarray(0, 3000));
    await until(async () => (await house.catalogue.listArriving()).length === 2, {
      what: 'both to be arriving',
    });
    let at = 3000;
    const drip = () => dripping.client.send(film.subarray(at, ++at));
    await seconds(60, drip);
    assert.equal(stalled.client.isClosed, false, 'not before its time');
    await seconds(95, drip);
    await closed(stalled.client);
    await closed(dripping.client);
  });

  test('over a slow line goes on for as long as it takes', async () => {
    const film = await readFile(path);
    const { client, end } = await upload(film);
    const step = Math.ceil(film.length / 600);
    assert.ok(step * 60 > defaultLimits.idleBytes);
    let at = 0;
    // Ten minutes.
    await seconds(600, () => {
      client.send(film.subarray(at, at + step));
      at += step;
    });
    assert.deepEqual(client.statuses(), []);
    client.send(end);
    await until(() => client.statuses().length > 0);
    assert.deepEqual(client.statuses(), [201]);
    client.close();
  });

  test('over tus that stalls is let go, and goes on later from where it was', async () => {
    const film = await readFile(path);
    const tus = { 'tus-resumable': '1.0.0' };
    const created = await fetch(`${house.url}/api/v1/uploads`, {
      ...{ method: 'POST', headers: { ...tus, 'upload-length': String(film.length) } },
    });
    assert.equal(created.status, 201);
    const place = new URL(created.headers.get('location')!, house.url).pathname;
    const client = await connectRaw(house.port);
    const fields = [
      'Tus-Resumable: 1.0.0',
      'Upload-Offset: 0',
      'Content-Type: application/offset+octet-stream',
    ];
    client.send(head(`PATCH ${place} HTTP/1.1`, ...fields, `Content-Length: ${film.length}`));
    client.send(film.subarray(0, 5000));
    const id = place.split('/').at(-1)!;
    const received = async () => (await house.library.getVideo(id)).receivedBytes;
    await until(async () => (await received()) === 5000, { what: '5000 bytes' });
    await seconds(155);
    await closed(client);
    assert.equal(await received(), 5000);
    const arriving = await until(() => house.library.resumeArrival(id, null));
    assert.equal(arriving.receivedBytes, 5000);
    await arriving.write(film.subarray(5000));
    assert.equal((await arriving.finish()).status, 'ready');
  });
});

test('a body that nobody asked for is not read for ever after the answer', async () => {
  for (const request of [
    head('POST /nowhere HTTP/1.1', 'Content-Type: application/json', 'Content-Length: 1000000000'),
    head('GET /livez HTTP/1.1', 'Content-Length: 1000000000'),
  ]) {
    const client = await connectRaw(house.port);
    client.send(request);
    client.send('x');
    await house.clock.settle();
    await seconds(31, () => client.send('xxxx'));
    await closed(client);
    assert.ok(client.statuses().length <= 1);
  }
});

test('who only watches is left alone: a camera without a new picture, a film that is paused', async () => {
  const viewer = await viewStream(house.port, '/cameras/door/stream.mjpeg');
  await until(() => viewer.head() !== '');
  // The camera was never asked for a picture; an hour of nothing but looking.
  await house.clock.advance(3_600_000);
  assert.equal(viewer.isClosed, false);
  viewer.close();
});

describe('connections', () => {
  async function listen(limits: Partial<typeof defaultLimits>) {
    const all = { ...defaultLimits, ...limits };
    const warnings: object[] = [];
    const app = fastify(serverOptions(all));
    installLimits(app, {
      ...{ limits: all, clock: createFakeClock(), isTrusted: (address) => address.endsWith('127.0.0.9') },
      log: { warn: (fields: object) => void warnings.push(fields) },
    });
    app.get('/', async () => 'here');
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as { port: number };
    const clients: RawClient[] = [];
    const open = async (localAddress = '127.0.0.1') => {
      const client = await connectRaw(port, { localAddress });
      clients.push(client);
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until(() => client.isClosed || client.statuses().length > 0);
      return client;
    };
    const close = async () => {
      for (const client of clients) client.close();
      await app.close();
    };
    return { open, close, warnings };
  }

  test('of one address are so many and no more; others and a trusted proxy come in', async () => {
    const { open, close, warnings } = await listen({ connectionsOfAddress: 5 });
    const five = [await open(), await open(), await open(), await open(), await open()];
    assert.ok(five.every(({ isClosed }) => !isClosed));
    const sixth = await open();
    await closed(sixth);
    assert.deepEqual(sixth.statuses(), []);
    assert.deepEqual((await open('127.0.0.2')).statuses(), [200]);
    for (let count = 0; count < 7; count += 1) assert.deepEqual((await open('127.0.0.9')).statuses(), [200]);
    assert.deepEqual(warnings, [{ network: '127.0.0.1', count: 5 }]);
    five[0]!.close();
    await until(async () => (await open()).statuses()[0] === 200, { what: 'a place is free again' });
    await close();
  });

  test('in all are so many; who is between two requests makes room', async () => {
    const { open, close } = await listen({ connections: 10 });
    const clients: RawClient[] = [];
    for (let count = 0; count < 15; count += 1) clients.push(await open(`127.0.0.${count + 10}`));
    assert.ok(
      clients.every(({ statuses }) => statuses()[0] === 200),
      'everybody was answered',
    );
    assert.ok(clients.filter(({ isClosed }) => !isClosed).length <= 10);
    await close();
  });

  test('hold a few requests that wait for their answer, not thousands', async () => {
    const client = await connectRaw(house.port);
    client.send(head('GET /livez HTTP/1.1').repeat(5));
    await until(() => client.statuses().length === 5);
    assert.deepEqual(client.statuses(), [200, 200, 200, 200, 200]);
    client.send(head('GET /videos HTTP/1.1').repeat(2000));
    await closed(client);
    assert.ok(client.statuses().length <= 5 + defaultLimits.waiting, `${client.statuses().length} answers`);
  });
});
