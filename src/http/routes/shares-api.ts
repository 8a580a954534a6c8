// /api/v1/{videos,folders,cameras}/:id/shares: with whom one thing is shared. The pages for the same are
// `share-pages.ts`.
import type { FastifyInstance } from 'fastify';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import {
  audiencesNow,
  findShared,
  type SharedThing,
  SharesBody,
  SharesChange,
  shareKinds,
  sharesOf,
  shareWith,
} from '../shares.ts';
import { problems } from './problem-schema.ts';

const Params = Type.Object({ id: Type.String({ maxLength: 200 }) });

export function sharesApiRoutes(app: FastifyInstance, services: Services): void {
  const answer = async (thing: SharedThing): Promise<Static<typeof SharesBody>> =>
    sharesOf(services, await audiencesNow(services, thing), thing.ownerId);

  for (const { subject, permission } of shareKinds) {
    const url = `/api/v1/${subject}s/:id/shares`;
    const tags = [subject === 'camera' ? 'cameras' : 'videos'];

    app.get<{ Params: Static<typeof Params> }>(
      url,
      {
        schema: {
          ...{ tags, summary: `With whom the ${subject} is shared, folders around it aside`, params: Params },
          response: { 200: SharesBody, ...problems(403, 404) },
        },
        config: needs(permission),
      },
      async (request) => answer(await findShared(services, viewerOf(request), subject, request.params.id)),
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
        const thing = await findShared(services, viewerOf(request), subject, request.params.id);
        await shareWith(services, request, thing, request.body);
        return answer(thing);
      },
    );
  }
}
