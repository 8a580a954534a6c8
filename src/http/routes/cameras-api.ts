// /api/v1/cameras: the cameras of the house with their state; adding, testing, changing, removing and finding them.
// Of a camera's options the secret ones go in and never come out again.
import type { FastifyInstance } from 'fastify';
import type { CameraInfo, CameraKinds } from '../../cameras/cameras.ts';
import { AppError } from '../../errors.ts';
import { noteAct } from '../audit.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, type TSchema, Type } from '../schema.ts';
import { seenCamera } from '../seen-camera.ts';
import type { Services } from '../services.ts';
import { pictureUrl } from './picture-url.ts';
import { problems } from './problem-schema.ts';
import { untilGone } from './until-gone.ts';

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

const Nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const Kinds = Type.Object(
  {
    pictures: Type.Boolean({ description: 'JPEG pictures' }),
    video: Nullable(Type.Enum(['avc', 'hevc'])),
    sound: Nullable(Type.Enum(['aac', 'opus', 'pcma', 'pcmu'])),
    width: Nullable(Type.Integer()),
    height: Nullable(Type.Integer()),
  },
  { description: 'What it sends, known once it ran' },
);

const CameraBody = Type.Object({
  id: Type.String(),
  name: Type.String(),
  driver: Type.String({ description: '`module` for a file of the owner’s' }),
  state: Type.Enum(['off', 'starting', 'live', 'no-signal']),
  stateSinceMs: Type.Integer({ description: 'Since when it is in this state, milliseconds since the epoch' }),
  kinds: Kinds,
  viewers: Type.Integer({ minimum: 0 }),
  message: Nullable(
    Type.String({ description: 'Why there is no signal, or why it starts again, a sentence' }),
  ),
  lastPictureAtMs: Nullable(Type.Integer({ description: 'Milliseconds since the epoch' })),
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

const ChangesBody = Type.Object(
  {
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    driver: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  {
    additionalProperties: true,
    description: 'Any other property is an option of the driver; null takes it away, one left out stays',
  },
);

const CandidateBody = Type.Object(
  {
    driver: Type.String({ minLength: 1, maxLength: 64 }),
    likeId: Type.Optional(
      Type.String({ maxLength: 64, description: 'The camera whose passwords hold where none are given' }),
    ),
  },
  { additionalProperties: true, description: 'Any other property is an option of the driver' },
);

const TestBody = Type.Object({
  ok: Type.Boolean(),
  message: Type.String({ description: 'What happened, a sentence' }),
  picture: Nullable(
    Type.String({ description: 'A JPEG picture as a data URL; null where none could be made in time' }),
  ),
  kinds: Kinds,
});

const FoundList = Type.Object({
  items: Type.Array(
    Type.Object({
      kind: Type.Enum(['onvif', 'v4l2']),
      name: Type.String(),
      address: Type.String(),
      driver: Type.String(),
      options: Type.Record(Type.String(), Type.String()),
    }),
  ),
});

const SetupBody = Type.Object({
  ...{ id: Type.String(), name: Type.String(), driver: Type.String() },
  options: Type.Record(Type.String(), Type.Unknown()),
  secrets: Type.Array(Type.String(), { description: 'Options that are set and not shown' }),
});

export function camerasApiRoutes(app: FastifyInstance, services: Services): void {
  const { access, cameras } = services;
  const config = needs('cameras:manage');
  const tags = ['cameras'];

  app.get(
    '/api/v1/cameras',
    {
      schema: { tags, summary: 'List the cameras that one may see', response: { 200: CameraList } },
      config: needs('cameras:watch'),
    },
    async (request, reply) => {
      reply.header('Cache-Control', 'private, no-cache');
      return { items: (await access.cameras(viewerOf(request), cameras.list())).map(cameraBody) };
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
      config,
    },
    async (request, reply) => {
      const { id, name, driver, ...options } = request.body;
      const camera = await cameras.add({ id, name: name ?? id, driver, options });
      await noteAct(services, request, 'camera-added', camera.name);
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
      config: needs('cameras:watch'),
    },
    async (request, reply) => {
      const camera = await seenCamera(services, request, request.params.id);
      reply.header('Cache-Control', 'private, no-cache');
      return cameraBody(camera);
    },
  );

  app.get<{ Params: Static<typeof IdParams> }>(
    '/api/v1/cameras/:id/setup',
    {
      schema: {
        tags,
        summary: 'How a camera is set up, without its passwords',
        params: IdParams,
        response: { 200: SetupBody, ...problems(404, 409) },
      },
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!cameras.get(id)) throw new AppError('not-found', `There is no camera “${id}”.`);
      const setup = cameras.setup(id);
      if (!setup) throw new AppError('conflict', `Camera “${id}” stands in the settings.`);
      reply.header('Cache-Control', 'no-store');
      return { ...setup, secrets: [...setup.secrets] };
    },
  );

  app.patch<{ Params: Static<typeof IdParams>; Body: Static<typeof ChangesBody> & Record<string, unknown> }>(
    '/api/v1/cameras/:id',
    {
      schema: {
        tags,
        summary: 'Change a camera; where it is watched it starts again',
        params: IdParams,
        body: ChangesBody,
        response: { 200: CameraBody, ...problems(400, 403, 404, 409) },
      },
      config,
    },
    async (request) => {
      const { name, driver, ...options } = request.body;
      const camera = await cameras.edit(request.params.id, { name, driver, options });
      await noteAct(services, request, 'camera-changed', camera.name);
      return cameraBody(camera);
    },
  );

  app.post<{ Body: Static<typeof CandidateBody> & Record<string, unknown> }>(
    '/api/v1/cameras/test',
    {
      schema: {
        tags,
        summary: 'Try a camera out without adding it: waits at most 10 s for a picture',
        body: CandidateBody,
        response: { 200: TestBody, ...problems(400, 403, 404, 409, 429) },
      },
      config,
    },
    async (request, reply) => {
      const { driver, likeId, ...options } = request.body;
      const tested = await untilGone(request, (signal) => cameras.test({ driver, likeId, options }, signal));
      reply.header('Cache-Control', 'no-store');
      return { ...tested, kinds: kindsBody(tested.kinds), picture: pictureUrl(tested.picture) };
    },
  );

  app.get(
    '/api/v1/cameras/discover',
    {
      schema: {
        tags,
        summary: 'Look for cameras in the network (ONVIF) and at this machine (V4L2), 3 s',
        response: { 200: FoundList },
      },
      config,
    },
    async (request, reply) => {
      const found = await untilGone(request, (signal) => cameras.discover(signal));
      reply.header('Cache-Control', 'no-store');
      return { items: found.map((camera) => ({ ...camera, options: { ...camera.options } })) };
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
      config,
    },
    async (request, reply) => {
      const { id } = request.params;
      const name = cameras.get(id)?.name ?? id;
      await cameras.remove(id);
      await noteAct(services, request, 'camera-removed', name);
      return reply.code(204).send();
    },
  );
}

/** What the API tells of a camera, field by field, so that nothing else can slip out. */
function cameraBody(camera: CameraInfo): Static<typeof CameraBody> {
  const { id, name, driver, state, stateSinceMs, viewers, message, lastPictureAtMs, isFromSettings } = camera;
  return {
    ...{ id, name, driver, state, stateSinceMs, kinds: kindsBody(camera.kinds) },
    ...{ viewers, message, lastPictureAtMs, isFromSettings },
  };
}

function kindsBody({ pictures, video, sound, width, height }: CameraKinds): Static<typeof Kinds> {
  return { pictures, video, sound, width, height };
}
