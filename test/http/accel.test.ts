// What is handed over to the nginx in front, and what never is: decided without a socket.
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import type { BlobReader } from '../../src/blobs/blob-store.ts';
import type { Config } from '../../src/config.ts';
import { createAccel } from '../../src/http/accel.ts';
import type { Representation } from '../../src/http/representation.ts';
import { planResponse } from '../../src/http/response-plan.ts';

const fileBytes = 10_000_000;
const reader: BlobReader = {
  ...{ sizeBytes: fileBytes, modifiedAtMs: 0, filePath: 'blobs/ab/abcdefghijklmnop' },
  read: async () => 0,
  close: async () => {},
};

function representationOf(pieces: Representation['pieces'], sizeBytes: number): Representation {
  return {
    ...{ pieces, sizeBytes, contentType: 'video/mp4', etag: '"x"', lastModifiedMs: null },
    ...{ cacheControl: 'private', contentDisposition: null },
  };
}
const file = representationOf([{ kind: 'blob', reader, start: 0, end: fileBytes }], fileBytes);
const view = representationOf(
  [
    { kind: 'bytes', bytes: new Uint8Array(500) },
    { kind: 'blob', reader, start: 100, end: fileBytes },
  ],
  fileBytes + 400,
);

function tell(
  representation: Representation,
  headers: Record<string, string>,
  { address = '127.0.0.1', maxPartialBytes = Number.POSITIVE_INFINITY, accel = true } = {},
) {
  const server = { accel, maxPartialBytes, trustedProxies: ['127.0.0.1'] } as Partial<Config['server']>;
  const made = createAccel({ server: server as Config['server'] });
  if (!made) return null;
  const request = {
    method: 'GET',
    headers: { 'x-kinora-accel': 'files slices', ...headers },
    socket: { remoteAddress: address },
  } as unknown as IncomingMessage;
  const facts = { ...representation, nowMs: 1, createBoundary: () => 'b' };
  let plan = planResponse('GET', request.headers, { ...facts, maxPartialBytes });
  const own = made.ownBytes(request, plan, representation);
  if (own !== null) plan = planResponse('GET', request.headers, { ...facts, maxPartialBytes: own });
  const told = made.handOver(request, plan, representation)?.headers ?? [];
  const find = (name: string) => (told.includes(name) ? told[told.indexOf(name) + 1] : undefined);
  return { own, path: find('X-Accel-Redirect'), slice: find('X-Kinora-Slice'), range: find('Content-Range') };
}

describe('what nginx is told to send', () => {
  test('nothing where the setting is off, to nobody but a trusted proxy, and not more than it says it can', () => {
    assert.equal(tell(file, {}, { accel: false }), null);
    assert.equal(tell(file, {})?.path, '/-kinora/files/blobs/ab/abcdefghijklmnop');
    assert.equal(tell(file, {}, { address: '192.0.2.7' })?.path, undefined);
    assert.equal(tell(file, { 'x-kinora-accel': 'slices' })?.path, undefined);
    assert.equal(tell(file, { 'x-kinora-accel': '' })?.path, undefined);
    const rest = { range: 'bytes=5000000-' };
    assert.equal(tell(view, rest)?.path, '/-kinora/slices/blobs/ab/abcdefghijklmnop');
    assert.equal(tell(view, { ...rest, 'x-kinora-accel': 'files' })?.path, undefined);
  });

  test('a stretch of a view is a stretch of the file, less the head and what of the file comes before', () => {
    assert.deepEqual(tell(view, { range: 'bytes=1500-2499' }), {
      ...{ own: null, path: '/-kinora/slices/blobs/ab/abcdefghijklmnop' },
      ...{ slice: '1100 1000', range: `bytes 1500-2499/${fileBytes + 400}` },
    });
    assert.equal(tell(view, { range: 'bytes=499-1000' })?.path, undefined, 'the last byte of the head');
    assert.equal(tell(view, { range: 'bytes=500-500' })?.slice, '100 1');
    assert.equal(tell(view, { range: 'bytes=-1' })?.slice, `${fileBytes - 1} 1`);
  });

  test('a cap on partial answers holds for nginx too', () => {
    const capped = tell(file, { range: 'bytes=1000-' }, { maxPartialBytes: 64_000 });
    assert.equal(capped?.slice, '1000 64000');
    assert.equal(capped?.range, `bytes 1000-64999/${fileBytes}`);
    assert.equal(
      tell(file, { range: 'bytes=1000-', 'x-kinora-accel': 'files' }, { maxPartialBytes: 64_000 })?.path,
      undefined,
    );
  });

  test("a browser's player is given the head alone, other programs all they asked for", () => {
    const player = { 'sec-fetch-dest': 'video', range: 'bytes=0-' };
    assert.equal(tell(view, player)?.own, 500);
    assert.equal(tell(view, { ...player, range: 'bytes=200-' })?.own, 300);
    assert.equal(tell(view, { range: 'bytes=0-' })?.own, null);
    assert.equal(tell(view, { ...player, range: 'bytes=0-9000' })?.own, null, 'too little to ask twice');
    assert.equal(tell(view, { ...player, 'x-kinora-accel': 'files' })?.own, null);
  });

  test('bytes that lie in no file of their own are sent from here', () => {
    const { filePath: _, ...cached } = reader;
    const elsewhere = representationOf(
      [{ kind: 'blob', reader: cached, start: 0, end: fileBytes }],
      fileBytes,
    );
    assert.equal(tell(elsewhere, {})?.path, undefined);
    assert.equal(tell(elsewhere, { range: 'bytes=5-' })?.path, undefined);
  });
});
