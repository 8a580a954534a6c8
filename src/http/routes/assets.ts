// The assets: by their hashed names for ever, by their plain names (error pages) asked about each time.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';
import type { Assets } from '../../web/assets.ts';
import type { AssetFile } from '../../web/built-assets.ts';
import { needs } from '../permission.ts';

export function assetRoutes(app: FastifyInstance, assets: Assets): void {
  const config = needs('public');
  app.get<{ Params: { name: string } }>('/assets/:name', { config }, async (request, reply) => {
    const { name } = request.params;
    const plain = assets.names.get(name);
    const file = assets.files.get(plain ?? name);
    if (!file) throw new AppError('not-found', 'There is no such file here.');
    reply.headers({
      'cache-control': plain ? 'no-cache' : 'public, max-age=31536000, immutable',
      'content-type': file.contentType,
      etag: file.etag,
      vary: 'Accept-Encoding',
      'x-content-type-options': 'nosniff',
    });
    if (request.headers['if-none-match']?.includes(file.etag)) return reply.code(304).send();
    const [encoding, bytes] = choose(file, request.headers['accept-encoding']);
    if (encoding) reply.header('content-encoding', encoding);
    return reply.send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
  app.get('/favicon.ico', { config }, (_request, reply) => reply.redirect(assets.url('icon.svg'), 302));
}

/** The smallest form the client takes (RFC 9110 §12.5.3; a coding with `q=0` is one it does not). */
function choose(file: AssetFile, header: string | undefined): [string | null, Uint8Array] {
  const taken = new Set<string>();
  for (const entry of (header ?? '').toLowerCase().split(',')) {
    const [coding, ...parameters] = entry.split(';').map((text) => text.trim());
    if (coding && !parameters.some((text) => /^q=0(\.0*)?$/.test(text))) taken.add(coding);
  }
  if (file.brotli && taken.has('br')) return ['br', file.brotli];
  if (file.gzip && taken.has('gzip')) return ['gzip', file.gzip];
  return [null, file.bytes];
}
