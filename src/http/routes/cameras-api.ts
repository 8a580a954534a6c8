// /api/v1/cameras: the cameras of the house with their state; adding and removing them. A camera's options go in
// and never come out again: they may hold passwords.
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { CameraInfo } from '../../cameras/cameras.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

const CameraBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  driver: Type.String({ description: '`module` for a file of the owner’s' }),
  state: Type.Enum(['off', 'starting', 'live', 'no-signal']),
  viewers: Type.Integer({ minimum: 0 }),
  message: Type.Union([Type.String(), Type.Null()], { description: 'Why there is no signal, a sentence' }),
  lastPictureAtMs: Type.Union([Type.Integer(), Type.Null()], { description: 'Milliseconds since the epoch' }),
  isFromSettings: Type.Boolean({ description: 'Stands in the settings and cannot be removed here' }),
});

const CameraList = Type.Object({ items: Type.Array(CameraBody) });

const NewCameraBody = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,63}$' }),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'The id where it is left out' }),
    ),
    driver: Type.String({ minLength: 1, maxLength: 64 }),
  },
  {
    additionalProperties: true,
    description: 'Any other property is an option of the driver (`url`, `path`, `fps`, ...)',
  },
);

export function camerasApiRoutes(app: FastifyInstance, { cameras }: Services): void {
  const tags = ['cameras'];

  app.get(
    '/api/v1/cameras',
    { schema: { tags, summary: 'List the cameras', response: { 200: CameraList } } },
    async (_request, reply) => {
      reply.header('Cache-Control', 'private, no-cache');
      return { items: cameras.list().map(cameraBody) };
    },
  );

  app.post<{ Body: Static<typeof NewCameraBody> & Record<string, unknown> }>(
    '/api/v1/cameras',
    {
      schema: {
        tags,
        summary: 'Add a camera',
        body: NewCameraBody,
        response: { 201: CameraBody, ...problems(400, 403, 409, 429) },
      },
    },
    async (request, reply) => {
      const { id, name, driver, ...options } = request.body;
      const camera = await cameras.add({ id, name: name ?? id, driver, options });
      reply.code(201).header('Location', `/api/v1/cameras/${camera.id}`);
      return cameraBody(camera);
    },
  );

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/cameras/:id',
    {
      schema: {
        tags,
        summary: 'One camera',
        params: IdParams,
        response: { 200: CameraBody, ...problems(404) },
      },
    },
    async (request, reply) => {
      const camera = cameras.get(request.params.id);
      if (!camera) throw new AppError('not-found', `There is no camera “${request.params.id}”.`);
      reply.header('Cache-Control', 'private, no-cache');
      return cameraBody(camera);
    },
  );

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/api/v1/cameras/:id',
    {
      schema: {
        tags,
        summary: 'Remove a camera; its viewers are ended',
        params: IdParams,
        response: { 204: Type.Null(), ...problems(404, 409) },
      },
    },
    async (request, reply) => {
      await cameras.remove(request.params.id);
      return reply.code(204).send();
    },
  );
}

/** What the API tells of a camera, field by field, so that nothing else can slip out. */
function cameraBody(camera: CameraInfo): Static<typeof CameraBody> {
  const { id, name, driver, state, viewers, message, lastPictureAtMs, isFromSettings } = camera;
  return { id, name, driver, state, viewers, message, lastPictureAtMs, isFromSettings };
}
