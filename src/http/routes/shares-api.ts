// /api/v1/{videos,folders,cameras}/:id/shares: with whom one thing is shared.
import type { FastifyInstance } from 'fastify';
import type { AuditAction } from '../../accounts/accounts.ts';
import type { Permission, Viewer } from '../../accounts/permissions.ts';
import { householdAudience, type Shared } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { audiencesOf, SharesBody, SharesChange, sharesOf } from '../shares.ts';
import { problems } from './problem-schema.ts';

/** What is shared: its name for the log, and whose it is (null: the house's). */
type Found = { readonly id: string; readonly name: string; readonly ownerId: string | null };

type Kind = {
  readonly subject: Shared;
  readonly path: string;
  readonly permission: Permission;
  readonly action: AuditAction;
  readonly find: (viewer: Viewer, id: string) => Promise<Found>;
  /** While nobody has said anything. */
  readonly byDefault: readonly string[];
};

export function sharesApiRoutes(app: FastifyInstance, services: Services): void {
  const { access, cameras, library } = services;
  const kinds: readonly Kind[] = [
    {
      ...{
        subject: 'video',
        path: 'videos',
        permission: 'videos:share',
        action: 'video-shared',
        byDefault: [],
      },
      async find(viewer, id) {
        const { ownerId, title } = await access.video(viewer, id, 'share');
        return { id, name: title, ownerId };
      },
    },
    {
      ...{ subject: 'folder', path: 'folders', permission: 'videos:share' },
      ...{ action: 'folder-shared', byDefault: [] },
      async find(viewer, id) {
        const { ownerId, name } = await access.folder(viewer, id, 'share');
        return { id, name, ownerId };
      },
    },
    {
      ...{ subject: 'camera', path: 'cameras', permission: 'cameras:manage' },
      ...{ action: 'camera-shared', byDefault: [householdAudience] },
      async find(_viewer, id) {
        const camera = cameras.get(id);
        if (!camera) throw new AppError('not-found', 'There is no such camera here.');
        return { id, name: camera.name, ownerId: null };
      },
    },
  ];
  for (const kind of kinds) install(kind);

  function install({ subject, path, permission, action, find, byDefault }: Kind): void {
    const url = `/api/v1/${path}/:id/shares`;
    const tags = [subject === 'camera' ? 'cameras' : 'videos'];
    const Params = Type.Object({ id: Type.String({ maxLength: 200 }) });
    const answer = async ({ id, ownerId }: Found): Promise<Static<typeof SharesBody>> =>
      sharesOf(services, (await library.getAudiences(subject, id)) ?? byDefault, ownerId);

    app.get<{ Params: Static<typeof Params> }>(
      url,
      {
        schema: {
          ...{ tags, summary: `With whom the ${subject} is shared, folders around it aside`, params: Params },
          response: { 200: SharesBody, ...problems(403, 404) },
        },
        config: needs(permission),
      },
      async (request) => answer(await find(viewerOf(request), request.params.id)),
    );

    app.put<{ Params: Static<typeof Params>; Body: Static<typeof SharesChange> }>(
      url,
      {
        schema: {
          ...{ tags, summary: `Share the ${subject} with these and nobody else; holds at once` },
          ...{ params: Params, body: SharesChange },
          response: { 200: SharesBody, ...problems(400, 403, 404) },
        },
        config: needs(permission),
      },
      async (request) => {
        const viewer = viewerOf(request);
        const found = await find(viewer, request.params.id);
        await library.setAudiences(subject, found.id, await audiencesOf(services, viewer, request.body));
        await noteAct(services, request, action, found.name);
        return answer(found);
      },
    );
  }
}
