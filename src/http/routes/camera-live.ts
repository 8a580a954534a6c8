// /cameras/:id/live.mp4 and /cameras/:id/live.m3u8: a camera's H.264 or H.265 as it came, with its sound, for players;
// and /cameras/:id/sound.mp4, its sound alone, for those who show its pictures beside it.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createLiveFeeds, type LiveFeed, noVideoSentence } from '../../cameras/live-feed.ts';
import { AppError } from '../../errors.ts';
import { writeMultivariantPlaylist } from '../../media/live/hls-playlist.ts';
import { firstPlaylistMs, LiveHls } from '../live-hls.ts';
import { liveHeaders, startLiveStream } from '../live-stream.ts';
import { needs, needsForBytes } from '../permission.ts';
import { createPictureCarrier, type PictureCarrier } from '../picture-carrier.ts';
import { type Static, Type } from '../schema.ts';
import { seenCamera } from '../seen-camera.ts';
import type { Services } from '../services.ts';
import { problems } from './problem-schema.ts';
import { whileSeen } from './until-gone.ts';

const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
const FileParams = Type.Object({ id: Type.String({ maxLength: 64 }), file: Type.String({ maxLength: 64 }) });

const StreamQuery = Type.Object({
  sound: Type.Optional(
    Type.Boolean({ description: 'Without sound a player can be nearer to now; with it unless told' }),
  ),
});

const ReloadQuery = Type.Object({
  _HLS_msn: Type.Optional(Type.Integer({ minimum: 0, description: 'Answer once this segment is there' })),
  _HLS_part: Type.Optional(Type.Integer({ minimum: 0, description: 'Answer once this part of it is there' })),
});

const playlistType = 'application/vnd.apple.mpegurl';

/** BANDWIDTH until a segment tells: generous, since players compare it with what they can take. */
const guessedBitsPerSecond = 4_000_000;

/** `carrier` is how fragments reach the sockets; the best this machine has where it is not given. */
export function cameraLiveRoutes(app: FastifyInstance, services: Services, carrier?: PictureCarrier): void {
  const { access, cameras, clock, running } = services;
  let ownCarrier = carrier ?? null;
  const feeds = createLiveFeeds(cameras, clock);
  const windows = new Map<string, LiveHls>();
  const tags = ['cameras'];

  /** Throws `not-found`; `unplayable` where the camera is known to send pictures alone. */
  const checkCamera = async (request: FastifyRequest, id: string) => {
    const camera = await seenCamera(services, request, id);
    if (camera.kinds.pictures && camera.kinds.video === null)
      throw new AppError('unplayable', noVideoSentence);
  };
  const hlsOf = (id: string): LiveHls => {
    let hls = windows.get(id);
    if (!hls) {
      const made = new LiveHls(feeds.open(id), clock, () => {
        if (windows.get(id) === made) windows.delete(id);
      });
      windows.set(id, made);
      hls = made;
    }
    hls.touch();
    return hls;
  };

  /** Sends what the feed has from now on, once it has something. Throws what `LiveFeed.ready` throws. */
  const sendFeed = async (reply: FastifyReply, id: string, feed: LiveFeed) => {
    const leave = feed.join({ onFragment: () => {}, onEnd: () => {} });
    try {
      const init = await whileSeen(services, reply, id, (signal) => feed.ready(signal));
      ownCarrier ??= createPictureCarrier();
      startLiveStream({ response: reply.raw, feed, init, clock, carrier: ownCarrier });
      reply.hijack();
      running.watch(
        reply,
        (viewer) => viewer !== null && access.camera(viewer, id),
        () => reply.raw.destroy(),
      );
      return reply;
    } finally {
      leave();
    }
  };

  app.route<{ Params: Static<typeof IdParams>; Querystring: Static<typeof StreamQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/live.mp4',
    schema: {
      tags,
      summary: 'Live video as fragmented MP4 without end; starts the camera (HEAD does not)',
      params: IdParams,
      querystring: StreamQuery,
      response: {
        200: { description: 'Fragments without end', content: { 'video/mp4': { schema: Type.Any() } } },
        ...problems(400, 404, 409, 503),
      },
    },
    config: needs('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      await checkCamera(request, id);
      if (request.method === 'HEAD') return reply.headers(liveHeaders('video/mp4')).send();
      const feed = feeds.open(id, request.query.sound === false ? 'silent' : 'all');
      return sendFeed(reply, id, feed);
    },
  });

  app.route<{ Params: Static<typeof IdParams> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/sound.mp4',
    schema: {
      tags,
      summary: 'Live sound alone as fragmented MP4 without end; starts the camera (HEAD does not)',
      params: IdParams,
      response: {
        200: {
          description: 'Fragments without end',
          headers: {
            'X-Time-Origin': Type.String({
              description:
                'The time 0 of the stream in seconds since the epoch, on the clock of the pictures’ X-Timestamp',
            }),
          },
          content: { 'audio/mp4': { schema: Type.Any() } },
        },
        ...problems(404, 409, 503),
      },
    },
    config: needs('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      await seenCamera(services, request, id);
      if (request.method === 'HEAD') return reply.headers(liveHeaders('audio/mp4')).send();
      return sendFeed(reply, id, feeds.open(id, 'sound'));
    },
  });

  const playlistSchema = (summary: string) => ({
    tags,
    summary,
    params: IdParams,
    response: {
      200: { description: 'A playlist', content: { [playlistType]: { schema: Type.Any() } } },
      ...problems(400, 404, 409, 503),
    },
  });
  const sendPlaylist = (reply: FastifyReply, text: string | null) =>
    reply.header('Cache-Control', 'no-store').type(playlistType).send(text);

  app.route<{ Params: Static<typeof IdParams> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/live.m3u8',
    schema: playlistSchema('Live video as HLS; starts the camera (HEAD does not)'),
    config: needsForBytes('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      await checkCamera(request, id);
      if (request.method === 'HEAD') return sendPlaylist(reply, null);
      const { feed, window } = hlsOf(id);
      const init = await whileSeen(services, reply, id, (signal) => feed.ready(signal));
      const bits = window.peakBitsPerSecond || guessedBitsPerSecond;
      return sendPlaylist(reply, writeMultivariantPlaylist(init, bits, 'live/media.m3u8'));
    },
  });

  app.route<{ Params: Static<typeof IdParams>; Querystring: Static<typeof ReloadQuery> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/live/media.m3u8',
    schema: { ...playlistSchema('Segments and parts; waits for those asked for'), querystring: ReloadQuery },
    config: needsForBytes('cameras:watch'),
    handler: async (request, reply) => {
      const { id } = request.params;
      const { _HLS_msn: number, _HLS_part: part } = request.query;
      await checkCamera(request, id);
      if (request.method === 'HEAD') return sendPlaylist(reply, null);
      if (number === undefined && part !== undefined)
        throw new AppError('bad-request', '_HLS_part needs _HLS_msn.');
      const hls = hlsOf(id);
      await whileSeen(services, reply, id, async (signal) => {
        await hls.feed.ready(signal);
        await hls.until(() => hls.window.isReady, signal, firstPlaylistMs);
        if (number === undefined) return;
        if (hls.window.holds(number, part ?? null) === 'never')
          throw new AppError('bad-request', 'That segment is too far ahead to wait for.');
        await hls.until(() => hls.window.holds(number, part ?? null) === 'yes', signal);
      });
      hls.touch();
      return sendPlaylist(reply, hls.window.playlist());
    },
  });

  app.route<{ Params: Static<typeof FileParams> }>({
    method: ['GET', 'HEAD'],
    url: '/cameras/:id/live/:file',
    schema: {
      tags,
      summary: 'An init segment, a segment or a part that the playlist names',
      params: FileParams,
      response: {
        200: { description: 'Bytes', content: { 'video/mp4': { schema: Type.Any() } } },
        ...problems(404, 503),
      },
    },
    config: needsForBytes('cameras:watch'),
    handler: async (request, reply) => {
      const { id, file } = request.params;
      await seenCamera(services, request, id);
      const hls = windows.get(id);
      hls?.touch();
      const bytes = hls && (await whileSeen(services, reply, id, (signal) => find(hls, file, signal)));
      if (!bytes) throw new AppError('not-found', 'This piece of the live stream is not there (any more).');
      // Names never come again, so what is cached is right; it is of no use after a minute.
      return reply.header('Cache-Control', 'private, max-age=60, immutable').type('video/mp4').send(bytes);
    },
  });
}

async function find(hls: LiveHls, file: string, signal: AbortSignal): Promise<Buffer | null> {
  const [, init, segment, part] =
    /^(?:init-(\d{1,9})\.mp4|(\d{1,15})(?:\.(\d{1,6}))?\.m4s)$/.exec(file) ?? [];
  const { window } = hls;
  if (init !== undefined) return window.init(Number(init));
  if (segment === undefined) return null;
  if (part === undefined) return window.segment(Number(segment));
  const [number, index] = [Number(segment), Number(part)];
  // The hinted part is asked for before it is there (rfc8216bis §6.2.6).
  if (window.isNext(number, index))
    await hls.until(() => window.part(number, index) !== null || !window.isNext(number, index), signal);
  return window.part(number, index);
}
