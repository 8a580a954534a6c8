// Relays and owners among strangers: an owner's address at which something else answers, answers that are garbage, huge,
// slow or none, and questions without the secret or with an old token.
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { noKinds } from '../../../src/cameras/camera-kinds.ts';
import {
  createRelayParser,
  frameHead,
  type RelayWord,
  relayType,
  wordFrame,
} from '../../../src/cameras/cluster/relay-wire.ts';
import { LiveSample } from '../../../src/cameras/live-sample.ts';
import { askHeader, createServiceSecret, proofHeader, secretHeader } from '../../../src/service-secret.ts';
import { createCameraCluster, door, watch } from '../../helpers/camera-cluster.ts';
import { createPushDriver, numberedJpeg } from '../../helpers/push-driver.ts';

const secret = 'the secret of this house, 32 characters and more';
const known = createServiceSecret(secret);
const word: RelayWord = {
  ...{ state: 'live', message: null, kinds: noKinds, viewers: 1, yours: 1 },
  ...{ run: 'r', token: 1, ends: null },
};

function pictureOf(number: number, sequence = number): Buffer {
  const sample = { codec: 'jpeg', data: numberedJpeg(number), ptsMicros: 0, isKey: true } as const;
  const live = new LiveSample(sample, 0, 0, sequence);
  return Buffer.concat([frameHead(live, 0), live.data]);
}

/** Something that stands where the owner of the camera is said to be. */
async function startStranger(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse, proof: Record<string, string>) => void,
) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    request.resume();
    const proof = known.proof(request.headers[askHeader]);
    answer(request, response, proof === null ? {} : { [proofHeader]: proof });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const type = { 'content-type': relayType };
const head = (bytes: number, kind = 1) => {
  const frame = Buffer.alloc(24);
  frame[0] = 0x52;
  frame[1] = kind;
  frame.writeUInt32LE(bytes, 4);
  frame.writeDoubleLE(1, 8);
  return frame;
};

const strangers: [string, Parameters<typeof startStranger>[1]][] = [
  ['without the secret', (_, response) => void response.writeHead(200, type).write(pictureOf(666))],
  [
    'with a proof it made up',
    (_, response) =>
      void response.writeHead(200, { ...type, [proofHeader]: 'f'.repeat(64) }).write(pictureOf(666)),
  ],
  ['that refuses', (_, response) => void response.writeHead(403).end('pa55word of somebody')],
  [
    'that sends another type',
    (_, response, proof) =>
      void response.writeHead(200, { 'content-type': 'text/html', ...proof }).end('<p>'),
  ],
  [
    'that sends garbage',
    (_, response, proof) =>
      void response.writeHead(200, { ...type, ...proof }).write(Buffer.alloc(100_000, 0x77)),
  ],
  [
    'that says it sends four gigabytes',
    (_, response, proof) => void response.writeHead(200, { ...type, ...proof }).write(head(0xffff_ffff)),
  ],
  [
    'whose word is no JSON',
    (_, response, proof) =>
      void response
        .writeHead(200, { ...type, ...proof })
        .write(Buffer.concat([head(4, 2), Buffer.from('{"a"')])),
  ],
  [
    'that sends a body that is no sample',
    (_, response, proof) =>
      void response.writeHead(200, { ...type, ...proof }).write(Buffer.concat([head(64), Buffer.alloc(64)])),
  ],
  [
    'that says nothing after its head',
    (_, response, proof) => response.writeHead(200, { ...type, ...proof }).flushHeaders(),
  ],
  ['that never answers', () => {}],
  [
    'that stops within a sample',
    (_, response, proof) =>
      void response.writeHead(200, { ...type, ...proof }).write(pictureOf(666).subarray(0, 150)),
  ],
  ['that closes at once', (request) => void request.socket.destroy()],
];

test('where an owner’s address is that of something else, nothing of it is shown', async (t) => {
  const settings = strangers.map((_, i) => ({ ...door, id: `door${i}` }));
  const cluster = await createCameraCluster(t);
  const asked = await Promise.all(
    strangers.map(async ([, answer], i) => {
      const stranger = await startStranger(t, answer);
      const note = { url: stranger.url, state: 'live', viewers: 3, message: 'x', kinds: 7, cost: 'much' };
      const lease = { name: `camera:door${i}`, holder: 'stranger', lengthMs: 3_600_000, note };
      await cluster.store.take(lease, null);
      return stranger.asked;
    }),
  );
  const web = await cluster.start('web', ['web'], { settings });
  await cluster.pass(500);
  const viewers = settings.map(({ id }) => watch(web, id));
  await cluster.passUntil(() => asked.every(({ length }) => length >= 2), 'each is tried again', 15_000);
  await cluster.pass(2000);
  for (const [i, [what]] of strangers.entries()) {
    assert.deepEqual(viewers[i]!.samples, [], what);
    assert.ok(asked[i]!.length < 30, `${what}: asked ${asked[i]!.length} times`);
  }
  // Once somebody else has them all is well.
  for (const { id } of settings) await cluster.store.release({ name: `camera:${id}`, token: 1 });
  const drivers = new Map(settings.map(({ id }) => [id, createPushDriver()]));
  const own = settings.map((camera) => ({ ...camera, driver: camera.id }));
  await cluster.start('owner', ['camera'], { settings: own, load: async (name) => drivers.get(name)! });
  await cluster.passUntil(
    () => [...drivers.values()].every(({ starts }) => starts === 1),
    'they start',
    10_000,
  );
  for (const driver of drivers.values()) driver.push(numberedJpeg(1));
  await cluster.passUntil(() => viewers.every(({ samples }) => samples.length === 1), 'a picture of each');
  for (const { numbers } of viewers) assert.deepEqual(numbers(), [1]);
  for (const line of cluster.lines) {
    assert.ok(!line.includes('secret of this house'), line);
    assert.ok(!line.includes('pa55word'), line);
  }
});

test('nobody without the secret is answered, and nobody with an old token', async (t) => {
  const cluster = await createCameraCluster(t);
  const owner = await cluster.start('owner', ['camera']);
  await cluster.passUntil(() => owner.cameras.clusterFigures()!.owned === 1, 'the camera is owned');
  const token = (await cluster.store.read('camera:door'))!.token;
  const samples = (part: Record<string, string> = {}) =>
    `owned/door/samples?${new URLSearchParams({ relay: 'r', token: `${token}`, audience: '1', run: '', after: '0', ...part })}`;
  const ask = (
    path: string,
    method: string,
    headers: Record<string, string> = { [secretHeader]: secret },
    body?: object,
  ) =>
    fetch(`${owner.url}/service/cameras/${path}`, {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
  const audience = { relay: 'r', token, audience: 5 };
  const all: [string, string, object?][] = [
    [samples(), 'GET'],
    ['owned/door/audience', 'POST', audience],
    [`owned/door/push?token=${token}`, 'POST', {}],
    ['calls/test', 'POST', { driver: 'push', options: {} }],
    ['calls/discover', 'POST', {}],
    ['calls/look', 'POST', {}],
  ];
  for (const [path, method, body] of all)
    for (const headers of [{}, { [secretHeader]: 'another' }, { [secretHeader]: '' }] as Record<
      string,
      string
    >[]) {
      const answer = await ask(path, method, headers, body);
      assert.equal(answer.status, 403, path);
      assert.equal(answer.headers.get(proofHeader), null);
      await answer.body?.cancel();
    }
  const wrong: [string, string, number, object?][] = [
    [samples({ token: `${token + 1}` }), 'GET', 409],
    ['owned/door/audience', 'POST', 409, { ...audience, token: token + 1 }],
    [`owned/door/push?token=${token + 1}`, 'POST', 409],
    ['owned/attic/audience', 'POST', 503, audience],
    ['owned/door/audience', 'POST', 400, { ...audience, audience: -1 }],
    [samples({ audience: 'many' }), 'GET', 400],
    [samples({ token: '0' }), 'GET', 400],
    ['calls/test', 'POST', 400, { driver: { $ne: 1 }, options: {} }],
    ['calls/constructor', 'POST', 400, {}],
  ];
  for (const [path, method, status, body] of wrong) {
    const answer = await ask(path, method, undefined, body);
    assert.equal(answer.status, status, path);
    await answer.body?.cancel();
  }
  assert.equal(owner.driver.starts, 0, 'nothing of it has started the camera');
});

test('a process with another secret shows nothing and says why in its log, without the secrets', async (t) => {
  const cluster = await createCameraCluster(t);
  const owner = await cluster.start('owner', ['camera']);
  const web = await cluster.start('web', ['web'], { secret: 'another secret than all the others have here' });
  await cluster.pass(1500);
  const viewer = watch(web);
  await cluster.pass(3000);
  assert.deepEqual(viewer.samples, []);
  assert.equal(owner.driver.starts, 0);
  assert.ok(cluster.lines.some((line) => line.includes('the secret is another one there')));
  for (const line of cluster.lines) assert.ok(!/secret of this house|another secret than/.test(line), line);
});

describe('the frames between owner and relay', () => {
  const frames = [
    wordFrame(word),
    pictureOf(1),
    pictureOf(2),
    wordFrame({ ...word, viewers: 9 }),
    pictureOf(3),
  ];
  const all = Buffer.concat(frames);

  test('are the same however they are cut', () => {
    for (const size of [1, 7, 24, 25, 100, 299, all.length]) {
      const parser = createRelayParser();
      const found: string[] = [];
      for (let at = 0; at < all.length; at += size)
        for (const frame of parser.push(Buffer.from(all.subarray(at, at + size))))
          found.push(frame.kind === 'word' ? `word ${frame.word.viewers}` : `sample ${frame.sequence}`);
      assert.deepEqual(found, ['word 1', 'sample 1', 'sample 2', 'word 9', 'sample 3'], `${size}`);
    }
  });

  test('changed anywhere, are read or refused, and nothing else', () => {
    for (let at = 0; at < all.length; at += 3)
      for (const value of [0, 1, 0x7f, 0xff]) {
        const bytes = Buffer.from(all);
        bytes[at] = value;
        try {
          for (const frame of createRelayParser().push(bytes)) assert.ok(frame.kind);
        } catch (error) {
          assert.equal((error as { kind?: string }).kind, 'unavailable', `${error}`);
        }
      }
  });
});
