// What processes of this Kinora ask each other about cameras, and nobody else may: a camera's samples from the process
// that owns it, how many watch it elsewhere, what it is sent, and cameras to try, to find and to look at again.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CameraService } from '../../cameras/cluster/camera-service.ts';
import type { RelaySocket } from '../../cameras/cluster/relay-sender.ts';
import { relayType } from '../../cameras/cluster/relay-wire.ts';
import { cameraServicePath } from '../../cameras/cluster/service-calls.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import { askHeader, createServiceSecret, proofHeader, secretHeader } from '../../service-secret.ts';
import { idleDescriptor, type KernelSend, loadKernelSend } from '../kernel-send.ts';
import { createLinger } from '../linger.ts';
import { needs } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import { untilGone } from './until-gone.ts';

/** What the kernel may hold for a relay that takes slowly: it must come back late by some pictures, not by seconds. */
const queuedBytes = 256 * 1024;

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
const Token = Type.Integer({ minimum: 1 });
const Audience = Type.Integer({ minimum: 0, maximum: 1_000_000 });
const RelayId = Type.String({ minLength: 1, maxLength: 64 });

const SamplesQuery = Type.Object({
  ...{ relay: RelayId, token: Token, audience: Audience },
  run: Type.String({ maxLength: 64 }),
  after: Type.Integer({ minimum: 0 }),
});
const AudienceBody = Type.Object({ relay: RelayId, token: Token, audience: Audience });
const PushQuery = Type.Object({ token: Token });
const NameParams = Type.Object({ name: Type.String({ maxLength: 20 }) });

export type ServiceCamerasSetup = {
  readonly service: CameraService;
  /** What the processes prove themselves with. */
  readonly secret: string;
  readonly clock: Clock;
};

export async function serviceCameraRoutes(
  app: FastifyInstance,
  { service, secret, clock }: ServiceCamerasSetup,
): Promise<void> {
  const known = createServiceSecret(secret);
  const config = needs('service');
  let kernel: KernelSend | null | undefined;

  await app.register(async (scope) => {
    // Before a byte of a body is read.
    scope.addHook('onRequest', (request, reply, done) => {
      if (!known.isRight(request.headers[secretHeader])) {
        // No kind of the program's errors: the asker must not take it for an answer about a camera.
        const problem = { type: '/service#secret', title: 'Not one of ours', status: 403 };
        const detail = 'The secret that the processes share is another one here.';
        reply
          .code(403)
          .type('application/problem+json')
          .send(JSON.stringify({ ...problem, detail }));
        return;
      }
      const proof = known.proof(request.headers[askHeader]);
      // On the raw response, so that streams carry it as well.
      if (proof !== null) reply.raw.setHeader(proofHeader, proof);
      reply.raw.setHeader('Cache-Control', 'no-store');
      done();
    });

    scope.get<{ Params: Static<typeof IdParams>; Querystring: Static<typeof SamplesQuery> }>(
      `${cameraServicePath}owned/:id/samples`,
      { config, schema: { hide: true, params: IdParams, querystring: SamplesQuery } },
      async (request, reply) => {
        const { raw } = reply;
        const { socket } = raw;
        if (!socket) throw new AppError('bad-request', 'A relay has a connection of its own.');
        // No chunks, as with pictures to viewers: the end of this answer is the end of the connection.
        let isBegun = false;
        const begin = () => {
          if (isBegun) return;
          isBegun = true;
          reply.hijack();
          raw.removeHeader('Transfer-Encoding');
          raw.writeHead(200, { 'Content-Type': relayType, Connection: 'close' });
          raw.flushHeaders();
          const descriptor = idleDescriptor(socket);
          kernel ??= loadKernelSend();
          if (descriptor !== null) kernel?.limitQueue(descriptor, queuedBytes);
        };
        service.relay(request.params.id, lateSocket(socket, begin), request.query);
        begin();
        return reply;
      },
    );

    scope.post<{ Params: Static<typeof IdParams>; Body: Static<typeof AudienceBody> }>(
      `${cameraServicePath}owned/:id/audience`,
      { config, schema: { hide: true, params: IdParams, body: AudienceBody } },
      async ({ params: { id }, body }) => {
        service.setAudience(id, body);
        return { result: null };
      },
    );

    scope.post<{ Params: Static<typeof NameParams> }>(
      `${cameraServicePath}calls/:name`,
      { config, schema: { hide: true, params: NameParams } },
      async (request) => {
        const { name } = request.params;
        return {
          result: await untilGone(request, (signal) => service.call(name, request.body, signal)),
        };
      },
    );

    await scope.register(async (bodies) => {
      // Bodies are streams here, whatever their type.
      bodies.removeAllContentTypeParsers();
      bodies.addContentTypeParser('*', (_request, _body, done) => done(null));
      bodies.post<{ Params: Static<typeof IdParams>; Querystring: Static<typeof PushQuery> }>(
        `${cameraServicePath}owned/:id/push`,
        {
          ...{ config, onSend: createLinger(clock) },
          schema: { hide: true, params: IdParams, querystring: PushQuery },
        },
        async (request) => {
          const { id } = request.params;
          const result = await untilGone(request, (signal) =>
            service.push(id, request.query.token, bodyOf(request), signal),
          );
          return { result };
        },
      );
    });
  });
}

function bodyOf(request: FastifyRequest) {
  return {
    type: request.headers['content-type'] ?? '',
    // Leaving the body unread must not destroy the request before it is answered.
    body: request.raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
  };
}

/** The socket, whose answer's head goes out with the first bytes: until then it can still become an error. */
function lateSocket(
  socket: RelaySocket & { readonly writableLength: number },
  begin: () => void,
): RelaySocket {
  return {
    get writableLength() {
      return socket.writableLength;
    },
    get destroyed() {
      return socket.destroyed;
    },
    cork: () => socket.cork(),
    uncork: () => socket.uncork(),
    write(bytes) {
      begin();
      return socket.write(bytes);
    },
    end: () => socket.end(),
    destroy: () => socket.destroy(),
    on: (event, listener) => socket.on(event, listener),
  };
}
