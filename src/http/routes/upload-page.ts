// GET /upload: the form, with one's folders, with whom it can be shared and how much room is left. What it sends is
// `uploads.ts`'s.
import type { FastifyInstance } from 'fastify';
import { householdId } from '../../accounts/permissions.ts';
import { uploadPage } from '../../web/pages/upload-page.ts';
import { needs, viewerOf } from '../permission.ts';
import { quotaOf } from '../quota.ts';
import type { Services } from '../services.ts';
import { first, type PageTools, type Query } from './page-form.ts';

export function uploadPageRoutes(
  app: FastifyInstance,
  { access, accounts, catalogue, library }: Services,
  { viewOf, headers }: PageTools,
): void {
  app.get<Query>('/upload', { config: needs('videos:add') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const view = viewOf(request);
    const folders = await catalogue.ownFolders(access.sight(viewer).ownerIds);
    const asked = first(request.query.folder);
    const { bytes } = await library.getUsage(viewer.personId);
    const page = uploadPage(view, {
      folders,
      folderId: folders.find(({ id }) => id === asked)?.id ?? null,
      canShare: view.can('videos:share') && viewer.personId !== householdId,
      quota: { usedBytes: bytes, quotaBytes: await quotaOf(accounts, viewer) },
    });
    return reply.headers(headers).send(page);
  });
}
