// /api/v1/folders: folders in one another, for videos of one person.
import type { FastifyInstance } from 'fastify';
import type { Folder } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { seenFolderPath } from '../folder-path.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';
import { FolderId, IdParams } from './video-schema.ts';

const FolderBody = Type.Object({
  id: Type.String(),
  ownerId: Type.String({ description: 'The person it belongs to' }),
  parentId: FolderId,
  name: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
});
const ListBody = Type.Object({ items: Type.Array(FolderBody) });
const OneBody = Type.Object({
  folder: FolderBody,
  path: Type.Array(FolderBody, { description: 'From the top to itself; what one may not see is left out' }),
});
const Name = Type.String({ minLength: 1, maxLength: 200 });

function folderBody(folder: Folder): Static<typeof FolderBody> {
  const { id, ownerId, parentId, name, createdAtMs } = folder;
  return { id, ownerId, parentId, name, createdAt: new Date(createdAtMs).toISOString() };
}

export function foldersApiRoutes(app: FastifyInstance, services: Services): void {
  const { access, library } = services;
  const tags = ['folders'];

  const ListQuery = Type.Object({
    parent: Type.Optional(Type.String({ maxLength: 64, description: 'Left out: those at the top' })),
  });
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/api/v1/folders',
    {
      schema: {
        ...{
          tags,
          summary: 'Folders directly in one place, by name, shared ones too',
          querystring: ListQuery,
        },
        response: { 200: ListBody, ...problems(404) },
      },
      config: needs('videos:watch'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      const { parent } = request.query;
      if (parent !== undefined) await access.folder(viewer, parent, 'watch');
      const folders = await library.listFolders(access.sight(viewer), parent ?? null);
      return { items: folders.map(folderBody) };
    },
  );

  const Add = Type.Object({ name: Name, parentId: Type.Optional(FolderId) }, { additionalProperties: false });
  app.post<{ Body: Static<typeof Add> }>(
    '/api/v1/folders',
    {
      schema: {
        ...{ tags, summary: 'Make one', body: Add },
        response: { 201: FolderBody, ...problems(400, 403, 404) },
      },
      config: needs('videos:edit'),
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const { name, parentId } = request.body;
      const parent = parentId ? await access.folder(viewer, parentId, 'edit') : null;
      const ownerId = parent?.ownerId ?? viewer.personId;
      const folder = await library.addFolder({ ownerId, parentId: parent?.id ?? null, name });
      return reply.code(201).header('Location', `/api/v1/folders/${folder.id}`).send(folderBody(folder));
    },
  );

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/folders/:id',
    {
      schema: {
        ...{ tags, summary: 'One folder and the way to it', params: IdParams },
        response: { 200: OneBody, ...problems(404) },
      },
      config: needs('videos:watch'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      const folder = await access.folder(viewer, request.params.id, 'watch');
      const path = await seenFolderPath(services, viewer, folder.id);
      return { folder: folderBody(folder), path: path.map(folderBody) };
    },
  );

  const Change = Type.Object(
    { name: Type.Optional(Name), parentId: Type.Optional(FolderId) },
    { additionalProperties: false },
  );
  app.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof Change> }>(
    '/api/v1/folders/:id',
    {
      schema: {
        ...{ tags, summary: 'Give it another name, put it into another folder', params: IdParams },
        body: Change,
        response: { 200: FolderBody, ...problems(400, 403, 404, 409) },
      },
      config: needs('videos:edit'),
    },
    async (request) => {
      const viewer = viewerOf(request);
      const { name, parentId } = request.body;
      let folder = await access.folder(viewer, request.params.id, 'edit');
      if (name === undefined && parentId === undefined)
        throw new AppError('bad-request', 'Say what is to change: “name”, “parentId”.');
      if (parentId) await access.folder(viewer, parentId, 'edit');
      if (parentId !== undefined) folder = await library.moveFolder(folder.id, parentId || null);
      if (name !== undefined) folder = await library.renameFolder(folder.id, name);
      return folderBody(folder);
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/folders/:id',
    {
      schema: {
        ...{ tags, summary: 'All videos in it and in its folders into the bin; the folders are gone' },
        params: IdParams,
        response: { 204: Type.Null(), ...problems(403, 404) },
      },
      config: needs('videos:delete'),
    },
    async (request, reply) => {
      const folder = await access.folder(viewerOf(request), request.params.id, 'delete');
      await library.binFolder(folder.id);
      await noteAct(services, request, 'folder-removed', folder.name);
      return reply.code(204).send();
    },
  );
}
