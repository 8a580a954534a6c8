// A small tus 1.0 server in memory (creation, termination), so that the page's uploading is tested by itself:
// it can hold a request, cut a connection, and be asked what arrived.
import type { FastifyInstance } from 'fastify';
import { fakeId } from './fake-services.ts';

export type FakeUpload = {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  bytes: Buffer;
};

export type FakeUploads = {
  readonly uploads: Map<string, FakeUpload>;
  /** While set, a PATCH is cut off after this many bytes of it have been kept. */
  cutAfterBytes: number | null;
};

export function fakeUploadRoutes(app: FastifyInstance): FakeUploads {
  const state: FakeUploads = { uploads: new Map(), cutAfterBytes: null };
  const version = { 'tus-resumable': '1.0.0', 'cache-control': 'no-store' };
  app.addContentTypeParser('application/offset+octet-stream', (_request, _payload, done) => done(null));
  app.post('/api/v1/uploads', async (request, reply) => {
    const name = /filename ([\w+/=]+)/.exec(String(request.headers['upload-metadata']))?.[1] ?? '';
    const id = fakeId(70_000 + state.uploads.size);
    const sizeBytes = Number(request.headers['upload-length']);
    const upload = { id, name: Buffer.from(name, 'base64').toString(), sizeBytes, bytes: Buffer.alloc(0) };
    state.uploads.set(id, upload);
    return reply
      .code(201)
      .headers({ ...version, location: `/api/v1/uploads/${id}` })
      .send();
  });
  app.route<{ Params: { id: string } }>({
    ...{ method: ['HEAD', 'PATCH', 'DELETE'], url: '/api/v1/uploads/:id' },
    async handler(request, reply) {
      const upload = state.uploads.get(request.params.id);
      if (!upload) return reply.code(404).headers(version).send();
      if (request.method === 'DELETE') {
        state.uploads.delete(upload.id);
        return reply.code(204).headers(version).send();
      }
      if (request.method === 'PATCH') {
        if (Number(request.headers['upload-offset']) !== upload.bytes.length) return reply.code(409).send();
        for await (const chunk of request.raw) {
          const room =
            state.cutAfterBytes === null ? chunk.length : state.cutAfterBytes - upload.bytes.length;
          upload.bytes = Buffer.concat([upload.bytes, chunk.subarray(0, Math.max(0, room))]);
          if (room < chunk.length || room === 0) {
            reply.hijack();
            request.raw.destroy();
            return;
          }
        }
      }
      const code = request.method === 'HEAD' ? 200 : 204;
      const lengths = { 'upload-offset': upload.bytes.length, 'upload-length': upload.sizeBytes };
      return reply
        .code(code)
        .headers({ ...version, ...lengths })
        .send();
    },
  });
  return state;
}
