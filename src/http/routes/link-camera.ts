// The live picture and sound of the camera of a guest link, and its state for the page; at addresses of the link's own.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CameraInfo } from '../../cameras/cameras.ts';
import { createLiveFeeds, type LiveFeed } from '../../cameras/live-feed.ts';
import type { GuestLink } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import { liveHeaders, startLiveStream } from '../live-stream.ts';
import { mjpegHeaders, startMjpegStream } from '../mjpeg-stream.ts';
import { needs } from '../permission.ts';
import { createPictureCarrier, type PictureCarrier } from '../picture-carrier.ts';
import type { Services } from '../services.ts';
import { type BySecret, type LinkEntry, secretOf } from './link-entry.ts';
import { untilGone } from './until-gone.ts';

/** "The picture of now": at most this old. */
const snapshotMaxAgeMs = 1000;

export function linkCameraRoutes(app: FastifyInstance, services: Services, entry: LinkEntry): void {
  const { cameras, clock, links } = services;
  const feeds = createLiveFeeds(cameras, clock);
  let carrier: PictureCarrier | null = null;

  const asked = async (request: FastifyRequest): Promise<{ link: GuestLink; camera: CameraInfo }> => {
    const link = await entry.entered(request);
    const camera = link.subject === 'camera' ? cameras.get(link.subjectId) : null;
    if (!camera) throw new AppError('not-found', 'This link does not lead there (any more).');
    return { link, camera };
  };
  /** From here on the socket is cut when the link ends. */
  const guard = (request: FastifyRequest, reply: FastifyReply, link: GuestLink) => {
    const secret = secretOf(request);
    const { socket } = reply.raw;
    entry.watch(
      reply,
      link,
      async () => (await links.find(secret)) !== null,
      () => socket?.destroy(),
    );
  };
  const route = (
    name: string,
    handler: (request: FastifyRequest<BySecret>, reply: FastifyReply) => unknown,
  ) =>
    app.route<BySecret>({
      ...{ method: ['GET', 'HEAD'], url: `/l/:secret/${name}`, exposeHeadRoute: false },
      ...{ config: needs('link'), handler },
    });
  const sendFeed = async (request: FastifyRequest, reply: FastifyReply, link: GuestLink, feed: LiveFeed) => {
    const leave = feed.join({ onFragment: () => {}, onEnd: () => {} });
    try {
      const init = await untilGone(request, (signal) => feed.ready(signal));
      carrier ??= createPictureCarrier();
      startLiveStream({ response: reply.raw, feed, init, clock, carrier });
      reply.hijack();
      guard(request, reply, link);
      return reply;
    } finally {
      leave();
    }
  };

  route('stream.mjpeg', async (request, reply) => {
    const { link, camera } = await asked(request);
    if (request.method === 'HEAD') return reply.headers(mjpegHeaders).send();
    carrier ??= createPictureCarrier();
    const pictures = { width: null, fps: null };
    startMjpegStream({
      ...{ response: reply.raw, carrier, clock },
      watch: (viewer) => cameras.watch(camera.id, viewer, { pictures }),
    });
    reply.hijack();
    guard(request, reply, link);
    return reply;
  });

  route('live.mp4', async (request, reply) => {
    const { link, camera } = await asked(request);
    if (request.method === 'HEAD') return reply.headers(liveHeaders('video/mp4')).send();
    const isSilent = (request.query as Record<string, unknown>).sound === 'false';
    return sendFeed(request, reply, link, feeds.open(camera.id, isSilent ? 'silent' : 'all'));
  });

  route('sound.mp4', async (request, reply) => {
    const { link, camera } = await asked(request);
    if (request.method === 'HEAD') return reply.headers(liveHeaders('audio/mp4')).send();
    return sendFeed(request, reply, link, feeds.open(camera.id, 'sound'));
  });

  route('snapshot.jpg', async (request, reply) => {
    const { camera } = await asked(request);
    reply.header('Cache-Control', 'private, no-store').type('image/jpeg');
    if (request.method === 'HEAD') return reply.send();
    const picture = await untilGone(request, (signal) =>
      cameras.snapshot(camera.id, snapshotMaxAgeMs, signal),
    );
    return reply.send(Buffer.from(picture.jpeg.buffer, picture.jpeg.byteOffset, picture.jpeg.byteLength));
  });

  // What the page's script asks every two seconds, as the API says it of cameras: of this one, and no more than shown.
  route('state', async (request, reply) => {
    const { camera } = await asked(request);
    const { state, stateSinceMs, kinds, lastPictureAtMs } = camera;
    reply.header('Cache-Control', 'private, no-store');
    return {
      items: [
        { id: 'camera', state, stateSinceMs, lastPictureAtMs, viewers: 0, kinds: { sound: kinds.sound } },
      ],
    };
  });
}
