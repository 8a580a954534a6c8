// /cameras/wall.multipart: all cameras that a page shows over one connection, because a browser opens six to one
// host. The address has a dot, which no camera's id can have.
//
// When tiles scroll in or out the page asks anew and lets go of the old answer once the new one has begun. A POST to
// a session would save a connection, but would have to reach the same process: replicas need no sticky sessions, and
// a GET changes nothing, so it needs no protection against other sites' pages beyond that of every picture.
import type { FastifyInstance } from 'fastify';
import type { Viewer } from '../../accounts/permissions.ts';
import { AppError, isAppError } from '../../errors.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { startWallStream, type WallTile, wallHeaders } from '../wall-stream.ts';
import { problems } from './problem-schema.ts';

/** More tiles than any screen shows at once. */
const maxTiles = 64;

/** What a wall is asked for at most and where nothing is said: it is looked over, not watched. */
const maxFps = 30;
const defaultFps = 5;

/** Pictures of a camera that are up to so many times as wide as the tile are sent as they are. */
const generousShare = 2;

/**
 * Smaller pictures cost a process of their own for each camera: of the JPEG cameras of one wall so many get them,
 * the others send their own, however wide.
 */
const maxMadeSmaller = 6;

/** An id, the width of its tile in pixels, the sequence of the picture it shows. */
const tilePattern = /^([a-z0-9][a-z0-9_-]{0,63})(?::(\d{1,5})(?::(\d{1,15}))?)?$/;

const WallQuery = Type.Object({
  show: Type.String({
    // All tiles with the longest of ids would not fit into a head anyway.
    maxLength: 8192,
    description:
      'The cameras, by commas: `id`, `id:width` or `id:width:sequence`, the sequence being that of the picture ' +
      `shown already; at most ${maxTiles}`,
  }),
  fps: Type.Optional(
    Type.Number({
      ...{ minimum: 0.1, maximum: maxFps, default: defaultFps },
      description: 'Most pictures a second of each camera; others are left out',
    }),
  ),
});

export function cameraWallRoutes(app: FastifyInstance, { access, cameras, clock, running }: Services): void {
  app.route<{ Querystring: Static<typeof WallQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/wall.multipart',
    schema: {
      tags: ['cameras'],
      summary: 'Pictures and states of many cameras as multipart/mixed; starts them (HEAD does not)',
      querystring: WallQuery,
      response: {
        200: {
          description:
            'Without end: JPEG pictures (`X-Camera`, `X-Sequence`, `X-Timestamp`) and states in JSON ' +
            '(`id`, `state`, also `removed`; `{}` as a sign of life)',
          content: { 'multipart/mixed': { schema: Type.Any() } },
        },
        ...problems(400, 503),
      },
    },
    config: needs('cameras:watch'),
    handler: async (request, reply) => {
      const tiles = readTiles(request.query.show);
      const { fps = defaultFps } = request.query;
      const generous = new Set(tiles.slice(maxMadeSmaller));
      if (request.method === 'HEAD') return reply.headers(wallHeaders).send();
      const seenBy = async (viewer: Viewer) => {
        const known = cameras.list().filter(({ id }) => tiles.some((tile) => tile.id === id));
        return new Set((await access.cameras(viewer, known)).map(({ id }) => id));
      };
      // One that may not be seen is none that there is.
      let seen = await seenBy(viewerOf(request));
      const wall = startWallStream({
        response: reply.raw,
        tiles,
        clock,
        get: (id) => (seen.has(id) ? cameras.get(id) : null),
        watch(tile, viewer) {
          const { id, width } = tile;
          if (!seen.has(id)) throw new AppError('not-found', `There is no camera “${id}”.`);
          const ownUpToWidth = generous.has(tile) ? Number.POSITIVE_INFINITY : (width ?? 0) * generousShare;
          try {
            return cameras.watch(id, viewer, { pictures: { width, fps, ownUpToWidth } });
          } catch (error) {
            // Watched in too many sizes by others: its own will do.
            if (!isAppError(error, 'too-many')) throw error;
            return cameras.watch(id, viewer, { pictures: { width: null, fps } });
          }
        },
      });
      reply.hijack();
      running.watch(
        reply,
        async (viewer) => {
          if (viewer === null) return false;
          seen = await seenBy(viewer);
          wall?.dropUnseen();
          return true;
        },
        () => reply.raw.destroy(),
      );
      return reply;
    },
  });
}

/** Throws `bad-request`. A camera that is named twice is shown once. */
function readTiles(show: string): WallTile[] {
  const tiles = new Map<string, WallTile>();
  for (const entry of show.split(',')) {
    const [, id, width, shown] = tilePattern.exec(entry) ?? [];
    if (id === undefined)
      throw new AppError('bad-request', `“${entry.slice(0, 80)}” is no camera’s id, width and sequence.`);
    if (!tiles.has(id))
      tiles.set(id, {
        ...{ id, width: width === undefined ? null : Number(width) },
        shown: shown === undefined ? null : Number(shown),
      });
    if (tiles.size > maxTiles) throw new AppError('bad-request', `A wall shows at most ${maxTiles} cameras.`);
  }
  return [...tiles.values()];
}
