// Tells many listeners what becomes of videos they may see. One look a second for all of them together: where nothing
// moved it costs two comparisons, and one question how far arriving ones are where anybody follows such. Who moved is
// read again, a few listeners at a time. Memory: the last word on at most 100 videos for each listener.
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Viewer } from '../../accounts/permissions.ts';
import type { Video } from '../../catalogue/catalogue.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Services } from '../services.ts';

/** Followed by one listener at most. */
export const maxFollowed = 100;
/** Of one person at a time: pages close theirs when they are out of sight. And of all. */
const maxOfPerson = 50;
const maxListeners = 5000;
const lookMs = 1000;
/** So that proxies do not take the silence for the end, and those who are gone are noticed. */
const signOfLifeMs = 15_000;
/** Read again at a time. */
const sliceLength = 20;

type Listener = {
  readonly viewer: Viewer;
  /** null: the newest of all that is seen. */
  readonly ids: readonly string[] | null;
  readonly response: ServerResponse;
  /** What was told last of each, as it was written. */
  readonly told: Map<string, { readonly video: Video; readonly text: string }>;
  isDue: boolean;
  /** Nothing was told yet. */
  isNew: boolean;
  /** Since anything was written. */
  quietMs: number;
};

export type EventsHub = {
  /** Tells all there is at once, and every change from then on, until the response closes. Throws `too-many`. */
  listen(viewer: Viewer, ids: readonly string[] | null, response: ServerResponse): void;
  /** Ends every answer. Idempotent. */
  close(): void;
};

export function createEventsHub({
  access,
  library,
  clock,
  log,
}: Pick<Services, 'access' | 'library' | 'clock'> & { readonly log: Pick<Logger, 'warn'> }): EventsHub {
  const listeners = new Set<Listener>();
  const closing = new AbortController();
  let isLooking = false;
  const revision = () => `${library.revision()} ${access.revision()}`;
  let seen = revision();

  const write = (listener: Listener, text: string) => {
    listener.quietMs = 0;
    listener.response.write(text);
  };
  const tell = (listener: Listener, video: Video) => {
    const { id, title, status, reason, sizeBytes, receivedBytes } = video;
    const text = JSON.stringify({ id, title, status, reason, sizeBytes, receivedBytes });
    if (listener.told.get(id)?.text === text) return;
    listener.told.set(id, { video, text });
    write(listener, `event: video\ndata: ${text}\n\n`);
  };
  const tellGone = (listener: Listener, id: string) => {
    listener.told.delete(id);
    write(listener, `event: gone\ndata: ${JSON.stringify({ id })}\n\n`);
  };

  /** null where the viewer sees none such, or it is in the bin. */
  const find = async (viewer: Viewer, id: string): Promise<Video | null> => {
    try {
      const video = await access.video(viewer, id, 'watch');
      return video.binnedAtMs === null ? video : null;
    } catch (error) {
      if (isAppError(error, 'not-found') || isAppError(error, 'forbidden')) return null;
      throw error;
    }
  };

  const newest = async ({ viewer, told }: Listener) => {
    const request = { limit: maxFollowed, after: null, query: '', sight: access.sight(viewer) };
    const { items } = await library.listVideos(request);
    const found = new Map<string, Video | null>(items.map((video) => [video.id, video]));
    // What newer ones pushed out of the list is not gone.
    for (const id of told.keys()) if (!found.has(id)) found.set(id, await find(viewer, id));
    for (const [id, video] of found) {
      if (video && !items.includes(video)) {
        found.delete(id);
        told.delete(id);
      }
    }
    return found;
  };

  const read = async (listener: Listener, received: ReadonlyMap<string, number>): Promise<void> => {
    const { viewer, ids } = listener;
    listener.isDue = false;
    try {
      const found =
        ids === null
          ? await newest(listener)
          : new Map(await Promise.all(ids.map(async (id) => [id, await find(viewer, id)] as const)));
      if (!listeners.has(listener)) return;
      for (const [id, video] of found) {
        if (video) tell(listener, { ...video, receivedBytes: received.get(id) ?? video.receivedBytes });
        else if (listener.isNew || listener.told.has(id)) tellGone(listener, id);
      }
      listener.isNew = false;
    } catch (error) {
      // Once more with the next look.
      listener.isDue = true;
      if (!isAppError(error, 'unavailable')) log.warn({ err: error }, 'what became of videos was not read');
    }
  };

  /** Not with the next look, but at once. */
  const begin = async (listener: Listener): Promise<void> => {
    const received = await library.arrivingBytes().catch(() => new Map<string, number>());
    if (listeners.has(listener)) await read(listener, received);
  };

  const isArriving = ({ told }: Listener) =>
    [...told.values()].some(({ video }) => video.status === 'arriving');

  const look = async (): Promise<void> => {
    const now = revision();
    if (now !== seen) for (const listener of listeners) listener.isDue = true;
    seen = now;
    // Whoever does not take what was written hears the newest once it has.
    const ready = [...listeners].filter(({ response }) => !response.writableNeedDrain);
    const due = ready.filter(({ isDue }) => isDue);
    const following = ready.filter((listener) => !listener.isDue && isArriving(listener));
    const received =
      due.length + following.length === 0 ? new Map<string, number>() : await library.arrivingBytes();
    for (let first = 0; first < due.length; first += sliceLength) {
      await Promise.all(due.slice(first, first + sliceLength).map((listener) => read(listener, received)));
    }
    for (const listener of following) {
      for (const { video } of [...listener.told.values()]) {
        const receivedBytes = received.get(video.id);
        if (video.status === 'arriving' && receivedBytes !== undefined)
          tell(listener, { ...video, receivedBytes });
      }
    }
    for (const listener of ready) {
      listener.quietMs += lookMs;
      if (listener.quietMs >= signOfLifeMs) write(listener, ':\n\n');
    }
  };

  const lookOn = async (): Promise<void> => {
    while (listeners.size > 0 && !closing.signal.aborted) {
      await clock.sleep(lookMs, closing.signal).catch(() => undefined);
      if (!closing.signal.aborted)
        await look().catch((error) => {
          if (!isAppError(error, 'unavailable'))
            log.warn({ err: error }, 'what became of videos was not read');
        });
    }
    isLooking = false;
  };

  return {
    listen(viewer, ids, response) {
      const ofPerson = [...listeners].filter((each) => each.viewer.personId === viewer.personId).length;
      if (ofPerson >= maxOfPerson || listeners.size >= maxListeners)
        throw new AppError('too-many', 'Too many pages follow what arrives here.', { retryAfterSeconds: 30 });
      const listener: Listener = {
        ...{ viewer, ids, response, told: new Map() },
        ...{ isDue: true, isNew: true, quietMs: 0 },
      };
      listeners.add(listener);
      response.once('close', () => listeners.delete(listener));
      void begin(listener);
      if (isLooking || closing.signal.aborted) return;
      isLooking = true;
      void lookOn();
    },
    close() {
      closing.abort();
      for (const { response } of listeners) response.end();
      listeners.clear();
    },
  };
}
