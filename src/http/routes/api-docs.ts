// /api/openapi.json, and /api/docs: the same document as a page that needs no scripts.
import type { FastifyInstance } from 'fastify';
import { loadAssets } from '../../web/assets.ts';
import { createFormats } from '../../web/formats.ts';
import { apiDocsPage, type OpenApiDocument } from '../../web/pages/api-docs-page.ts';
import { createView } from '../../web/view.ts';
import { needs } from '../permission.ts';
import { pageHeaders } from '../policy.ts';
import type { Services } from '../services.ts';

export async function apiDocsRoutes(app: FastifyInstance, { clock }: Services): Promise<void> {
  const assets = await loadAssets();
  const headers = pageHeaders(assets.styleHashes);

  // What there is to ask is no secret: it stands in the source.
  const config = needs('public');
  app.get('/api/openapi.json', { config }, (_request, reply) => {
    reply.header('Cache-Control', 'no-cache');
    return app.swagger();
  });

  app.get('/api/docs', { config }, (request, reply) => {
    const cookieHeader = request.headers.cookie;
    const view = createView({
      ...{ assets, formats: createFormats('en'), cookieHeader, nowMs: clock.nowMs() },
      viewer: request.viewer ?? null,
    });
    return reply.headers(headers).send(apiDocsPage(view, app.swagger() as OpenApiDocument));
  });
}
