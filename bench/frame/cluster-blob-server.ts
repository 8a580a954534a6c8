// One way of sending stored bytes, that `cluster-blobs.ts` measures. Every answer is the next of the blobs, at /one the
// first. `count` from the parent is answered with the chunks that were asked of the database.
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { GridFSBucket, MongoClient } from 'mongodb';
import type { BlobReader } from '../../src/blobs/blob-store.ts';
import { createDiskBlobs } from '../../src/blobs/disk.ts';
import { createGridFsBlobs } from '../../src/blobs/gridfs.ts';
import { systemClock } from '../../src/clock.ts';
import { sendRepresentation } from '../../src/http/send.ts';
import { createSendPool } from '../../src/http/send-pool.ts';
import type { BlobServerArgs } from './cluster-blobs.ts';

const { way, folder, url, ids } = JSON.parse(process.argv[2] ?? '') as BlobServerArgs;
const client = new MongoClient(url, { writeConcern: { w: 'majority', journal: true } });
const tools = { clock: systemClock, log: { warn: () => {} } };
/** Cold: a quarter of the blobs, so that whoever reads them in order finds nothing. */
const maxBytes = (way === 'cold' ? 64 : 1024) * 1024 * 1024;
const grid = await createGridFsBlobs({
  db: client.db(),
  cache: { folder: join(folder, `cache-${process.pid}`), maxBytes },
  ...tools,
});
const disk = await createDiskBlobs({ folder: join(folder, 'disk'), reserveBytes: 0, clock: systemClock });
const store = way === 'disk' ? disk : grid;
const readers = await Promise.all(ids.map((id) => store.open(id)));
const pool = createSendPool({ clock: systemClock, ...(way === 'buffers' ? { kernel: null } : {}) });
const bucket = new GridFSBucket(client.db(), { bucketName: 'blobs' });
let turn = 0;

const server = createServer((request, response) => {
  const at = request.url === '/one' ? 0 : turn++ % ids.length;
  if (way === 'peer') return pipe(ids[at]!, readers[at]!, response);
  const reader = readers[at]!;
  const { sizeBytes } = reader;
  const whole = {
    pieces: [{ kind: 'blob', reader, start: 0, end: sizeBytes } as const],
    ...{ sizeBytes, contentType: 'video/mp4', etag: '"bench"', lastModifiedMs: null },
    ...{ cacheControl: 'private, max-age=0', contentDisposition: null },
  };
  void sendRepresentation(request, response, whole, { maxPartialBytes: Number.POSITIVE_INFINITY, pool });
});

function pipe(id: string, { sizeBytes }: BlobReader, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': sizeBytes });
  const stream = bucket.openDownloadStream(id as never);
  stream.on('error', () => response.destroy());
  response.on('close', () => stream.destroy());
  stream.pipe(response);
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
});
process.on('message', () => process.send?.({ fetched: grid.figures.misses }));
process.on('disconnect', () => process.exit());
