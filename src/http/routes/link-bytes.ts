// The bytes that a guest link gives: the view of a video or of the link's stretch of it, and the file itself where the
// link allows the download. What the address asks for beside that (`?start=`) is not looked at.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GuestLink, Video } from '../../catalogue/catalogue.ts';
import { AppError } from '../../errors.ts';
import type { Clip, OpenedBytes } from '../../library/library.ts';
import { formatDuration } from '../../web/formats.ts';
import { contentDisposition } from '../content-disposition.ts';
import { originalPolicy, represent } from '../opened-representation.ts';
import { needs } from '../permission.ts';
import { sendRepresentation } from '../send.ts';
import type { Services } from '../services.ts';
import { type LinkEntry, secretOf } from './link-entry.ts';

type Params = { Params: { secret: string; id?: string } };

/** On a machine that visitors share nothing should stay; one that seeks asks again. */
const cacheControl = 'private, no-store';

export function linkBytesRoutes(app: FastifyInstance, services: Services, entry: LinkEntry): void {
  const { library, links } = services;

  const send = async (
    request: FastifyRequest,
    reply: FastifyReply,
    link: GuestLink,
    {
      opened,
      videoId,
      disposition,
    }: { opened: OpenedBytes; videoId: string | null; disposition: string | null },
  ): Promise<FastifyReply> => {
    const { accel, config, clock, log, metrics } = services;
    const ended = new AbortController();
    try {
      const secret = secretOf(request);
      reply.hijack();
      const mayGoOn = async () => {
        const now = await links.find(secret);
        if (!now) return false;
        return links.video(now, videoId);
      };
      entry.watch(reply, link, mayGoOn, () => ended.abort());
      const { maxPartialBytes } = config.server;
      const representation = represent(opened, { disposition, cacheControl });
      const { bytesSent } = await sendRepresentation(request.raw, reply.raw, representation, {
        ...{ maxPartialBytes, clock, log, accel, signal: ended.signal },
      });
      metrics.sent(bytesSent);
    } finally {
      opened.release();
    }
    return reply;
  };

  for (const place of ['', '/videos/:id']) {
    const route = (
      name: string,
      handler: (request: FastifyRequest<Params>, reply: FastifyReply) => unknown,
    ) =>
      app.route<Params>({
        ...{ method: ['GET', 'HEAD'], url: `/l/:secret${place}/${name}`, exposeHeadRoute: false },
        ...{ config: needs('link'), handler },
      });
    const asked = async (request: FastifyRequest<Params>) => {
      const link = await entry.entered(request);
      const videoId = request.params.id ?? null;
      return { link, videoId, video: await links.video(link, videoId) };
    };

    route('video.mp4', async (request, reply) => {
      const { link, videoId, video } = await asked(request);
      // What has no view is played as it came: the file itself, which not every link gives.
      if (video.playback.viewType === null) assertDownload(link);
      const opened = await library.openView(video.id, clipOf(link));
      return send(request, reply, link, { opened, videoId, disposition: null });
    });

    route('original', async (request, reply) => {
      const { link, videoId, video } = await asked(request);
      assertDownload(link);
      if (clipOf(link)) throw new AppError('not-found', 'This link gives a part of the video only.');
      const opened = await library.openOriginal(video.id);
      reply.raw.setHeader('Content-Security-Policy', originalPolicy);
      return send(request, reply, link, {
        opened,
        videoId,
        disposition: contentDisposition('inline', opened.fileName),
      });
    });

    route('download', async (request, reply) => {
      const { link, videoId, video } = await asked(request);
      assertDownload(link);
      const clip = clipOf(link);
      const opened = clip ? await library.openView(video.id, clip) : await library.openOriginal(video.id);
      const name = clip ? clipName(video, clip) : opened.fileName;
      reply.raw.setHeader('Content-Security-Policy', originalPolicy);
      return send(request, reply, link, {
        opened,
        videoId,
        disposition: contentDisposition('attachment', name),
      });
    });
  }
}

/** The stretch of a link; null for the whole video. */
export function clipOf({ startSeconds, endSeconds }: GuestLink): Clip | null {
  return startSeconds === null && endSeconds === null
    ? null
    : { startSeconds: startSeconds ?? 0, endSeconds };
}

function assertDownload(link: GuestLink): void {
  if (!link.allowsDownload)
    throw new AppError('not-found', 'This link is for watching, not for downloading.');
}

/** `Summer at the lake 1.05-2.10.mp4` */
function clipName({ title, durationMs }: Video, { startSeconds, endSeconds }: Clip): string {
  const moment = (seconds: number) => formatDuration(seconds * 1000).replaceAll(':', '.');
  const end = endSeconds ?? (durationMs ?? 0) / 1000;
  return `${title} ${moment(startSeconds)}-${moment(end)}.mp4`;
}
