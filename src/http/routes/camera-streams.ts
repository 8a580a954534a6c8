// /cameras/:id/stream.mjpeg and /cameras/:id/snapshot.jpg: what an <img>, a player or a script takes of a camera.
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';
import { evaluateConditions } from '../conditional.ts';
import { mjpegHeaders, startMjpegStream } from '../mjpeg-stream.ts';
import { needs } from '../permission.ts';
import { createPictureCarrier, type PictureCarrier } from '../picture-carrier.ts';
import { type Static, Type } from '../schema.ts';
import { seenCamera } from '../seen-camera.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';
import { whileSeen } from './until-gone.ts';

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** A wall of screens; what is more than the camera's own width is the camera's own. */
const maxWidth = 16_384;

const PictureQuery = Type.Object({
  width: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxWidth,
      description:
        'Smaller pictures: the next of 160, 320, 640, 960, 1280, 1920; never more than the camera’s own',
    }),
  ),
});

const StreamQuery = Type.Object({
  ...PictureQuery.properties,
  fps: Type.Optional(
    Type.Number({ minimum: 0.01, maximum: 240, description: 'Most pictures a second; others are left out' }),
  ),
});

/** "The picture of now": at most this old. */
const snapshotMaxAgeMs = 1000;

/** `carrier` is how pictures reach the sockets; the best this machine has where it is not given. */
export function cameraStreamRoutes(app: FastifyInstance, services: Services, carrier?: PictureCarrier): void {
  const { access, cameras, clock, running } = services;
  // Made with the first stream: a start needs none.
  let ownCarrier = carrier ?? null;
  const tags = ['cameras'];

  app.route<{ Params: Static<typeof IdParams>; Querystring: Static<typeof StreamQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/stream.mjpeg',
    schema: {
      tags,
      summary: 'Live pictures as multipart/x-mixed-replace; starts the camera (HEAD does not)',
      params: IdParams,
      querystring: StreamQuery,
      response: {
        200: {
          description: 'Pictures without end',
          content: { 'multipart/x-mixed-replace': { schema: Type.Any() } },
        },
        ...problems(400, 404, 429, 503),
      },
    },
    config: needs('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      const { width = null, fps = null } = request.query;
      await seenCamera(services, request, id);
      if (request.method === 'HEAD') return reply.headers(mjpegHeaders).send();
      ownCarrier ??= createPictureCarrier();
      startMjpegStream({
        response: reply.raw,
        carrier: ownCarrier,
        clock,
        watch: (viewer) => cameras.watch(id, viewer, { pictures: { width, fps } }),
      });
      // After it, so that a camera that went in between still gets its problem document.
      reply.hijack();
      running.watch(
        reply,
        (viewer) => viewer !== null && access.camera(viewer, id),
        () => reply.raw.destroy(),
      );
      return reply;
    },
  });

  app.route<{ Params: Static<typeof IdParams>; Querystring: Static<typeof PictureQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/snapshot.jpg',
    schema: {
      tags,
      summary: 'The picture of now, at most 1 s old; starts the camera and waits for it (HEAD does not)',
      params: IdParams,
      querystring: PictureQuery,
      response: {
        200: { description: 'A picture', content: { 'image/jpeg': { schema: Type.Any() } } },
        304: Type.Null(),
        ...problems(400, 404, 429, 503),
      },
    },
    config: needs('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      const { width = null } = request.query;
      const camera = await seenCamera(services, request, id);
      reply.header('Cache-Control', 'private, no-cache');
      if (request.method === 'HEAD') {
        // Without a picture at hand there is nothing to tell a length or a tag of.
        const isFresh =
          camera.lastPictureAtMs !== null && clock.nowMs() - camera.lastPictureAtMs <= snapshotMaxAgeMs;
        const isAtHand = isFresh && width === null && camera.kinds.pictures;
        if (camera.state !== 'live' || !isAtHand) return reply.type('image/jpeg').send();
      }
      const picture = await whileSeen(services, reply, id, (signal) =>
        cameras.snapshot(id, snapshotMaxAgeMs, signal, width),
      );
      // The sequence alone could come again after a restart of the program.
      const etag = `"${picture.takenAtMs.toString(36)}-${picture.sequence.toString(36)}"`;
      reply.header('ETag', etag).header('Last-Modified', new Date(picture.takenAtMs).toUTCString());
      const verdict = evaluateConditions(
        request.headers,
        { etag, lastModifiedMs: picture.takenAtMs },
        clock.nowMs(),
      );
      if (verdict === 'not-modified') return reply.code(304).send();
      if (verdict === 'precondition-failed') throw new AppError('precondition', 'There is a newer picture.');
      return reply
        .type('image/jpeg')
        .send(Buffer.from(picture.jpeg.buffer, picture.jpeg.byteOffset, picture.jpeg.byteLength));
    },
  });
}
