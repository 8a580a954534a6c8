// All videos that are arriving: begun, taken up again, given up, recovered. One writer per video, wherever it is; the
// scan of one that pauses is kept for a while, so that going on costs nothing.
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createId } from '../ids.ts';
import { Arrival, type ArrivalTools, discard } from './arrival.ts';
import { type CarefulScan, createCarefulScan, scanBeginning } from './careful-scan.ts';
import type { Folders } from './folders.ts';
import type { ArrivingVideo, NewArrival } from './library.ts';
import type { Lock, Locks } from './locks.ts';
import type { Allowance, Quotas } from './quota.ts';
import { discardStopped, recoverArrival, standingOf } from './recovery.ts';
import { sealedArrival } from './sealed-arrival.ts';
import { importedTitle, storedFileName, titleFromFileName } from './titles.ts';
import type { VideoMaker } from './video-maker.ts';

/** Scans of paused uploads that are kept; each holds the index so far (12 MB for a film of two hours at most). */
const maxParked = 8;
/** Longest metadata header kept, characters: tus clients send a name, a type and a path. */
const maxMetadataLength = 8000;
/** So little is read again, so that what is no video is refused early also where its first bytes came elsewhere. */
const beginningBytes = 64 * 1024;
/** How long another process may take to leave an upload that is asked for here: one that was killed takes 10 s. */
const leaveMs = 20_000;

export type ArrivalsTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maker: VideoMaker;
  readonly quotas: Quotas;
  readonly folders: Folders;
  readonly locks: Locks;
  readonly maxUploadBytes: number;
  /** Called when one is left where it is. */
  onPause(): void;
};

export type Arrivals = ReturnType<typeof createArrivals>;

export function createArrivals(tools: ArrivalsTools) {
  const { blobs, catalogue, clock, log, maker, quotas, folders, locks, maxUploadBytes } = tools;
  const active = new Map<string, Arrival>();
  /** Oldest first. */
  const parked = new Map<string, CarefulScan>();
  /** Uploads seen to be written since they were last looked at: should nobody hold them any more, they are looked at. */
  const watched = new Set<string>();
  const finishing = new Set<Promise<void>>();
  let isClosed = false;

  const park = (id: string, scan: CarefulScan) => {
    parked.set(id, scan);
    for (const oldest of parked.keys()) {
      if (parked.size <= maxParked) break;
      parked.delete(oldest);
    }
  };

  const lockName = (id: string) => `video:${id}`;

  /** Gives up waiting for another process in good time. */
  const patience = () => {
    const ended = new AbortController();
    clock.sleep(leaveMs, ended.signal).then(
      () => ended.abort(atIt()),
      () => undefined,
    );
    return ended;
  };

  /** Locks the video for one writer; another process is asked to leave it. Throws `conflict` where somebody is at it. */
  const claim = async (id: string): Promise<Lock> => {
    if (isClosed) throw ending();
    if (active.has(id)) throw atIt();
    const waiting = patience();
    try {
      const lock = await locks.takeOver(lockName(id), waiting.signal);
      if (lock && !isClosed) return lock;
      await lock?.release();
    } finally {
      waiting.abort();
    }
    throw isClosed ? ending() : atIt();
  };

  const arriving = async (id: string): Promise<Video> => {
    const video = await catalogue.getVideo(id);
    if (video === null) throw new AppError('not-found', 'There is no such upload here.');
    if (video.status !== 'arriving') throw new AppError('conflict', 'This upload is complete.');
    return video;
  };

  /** `scanAt` is given how much is stored, and makes the scan that has seen so much; null for none. */
  const open = async (
    video: Video,
    lock: Lock,
    scanAt: (storedBytes: number) => CarefulScan | null,
    quotaBytes: number | null,
  ): Promise<Arrival> => {
    const writer = await blobs.append(video.blobId, lock.token);
    let allowance: Allowance | null = null;
    try {
      if (video.sizeBytes === null) allowance = await quotas.open(video, quotaBytes, writer.sizeBytes);
    } catch (error) {
      await writer.close();
      throw error;
    }
    const arrivalTools: ArrivalTools = {
      ...{ blobs, catalogue, clock, log, maker, maxUploadBytes, allowance, lock },
      isToldByLock: locks.isShared,
      onPause: tools.onPause,
      onEnd(arrival, rest) {
        allowance?.end();
        active.delete(arrival.id);
        parked.delete(arrival.id);
        if (rest && !isClosed) park(arrival.id, rest);
      },
    };
    const arrival = new Arrival(video, writer, scanAt(writer.sizeBytes), arrivalTools);
    active.set(video.id, arrival);
    return arrival;
  };

  /** Refuses early what cannot fit: less would stay free than the reserve, or others were promised the room. */
  const assertRoom = async (sizeBytes: number | null): Promise<void> => {
    if (sizeBytes !== null && sizeBytes > maxUploadBytes) {
      throw new AppError('too-large', `Larger than the ${maxUploadBytes} bytes that are taken here.`);
    }
    const room = await blobs.room();
    if (room === null) return;
    let promisedBytes = 0;
    for (const arrival of active.values()) promisedBytes += arrival.awaitedBytes;
    if (room.freeBytes - promisedBytes < Math.max(1, sizeBytes ?? 1)) {
      throw new AppError('no-room', 'There is not enough room left for this on the disk.');
    }
  };

  const receivedNow = async (): Promise<ReadonlyMap<string, number>> => {
    const received = new Map<string, number>();
    for (const [name, { receivedBytes }] of await locks.notes(lockName(''))) {
      if (typeof receivedBytes === 'number') received.set(name.slice(lockName('').length), receivedBytes);
    }
    for (const [id, arrival] of active) received.set(id, arrival.receivedBytes);
    return received;
  };

  /** Gives the lock back when all is done, which may be later. */
  const recoverOne = async (id: string, lock: Lock): Promise<void> => {
    let finish: (() => Promise<void>) | null = null;
    let isGone = false;
    try {
      // Whoever had it may have finished it since it was read.
      const video = await catalogue.getVideo(id);
      if (video?.status === 'arriving') ({ finish, isGone } = await recoverArrival(video, tools, lock));
    } catch (error) {
      log.error(
        { err: error, video: id },
        'what arrived of a video could not be recovered; it stays as it is',
      );
    }
    if (!finish) return lock.release(isGone);
    const work = finish()
      .then(
        () => lock.release(true),
        async (error) => {
          logUnfinished(error, id, log);
          await lock.release(isAppError(error, 'unsupported-media'));
        },
      )
      .finally(() => finishing.delete(work));
    finishing.add(work);
  };

  return {
    async begin(arrival: NewArrival): Promise<ArrivingVideo> {
      await assertRoom(arrival.sizeBytes);
      if ((arrival.uploadMetadata?.length ?? 0) > maxMetadataLength) {
        throw new AppError('bad-request', 'The metadata of this upload is too long.');
      }
      const { ownerId, folderId, quotaBytes } = arrival;
      await folders.assertOwn(ownerId, folderId);
      if (isClosed) throw ending();
      const id = createId();
      const lock = await locks.take(lockName(id), { isNew: true });
      if (!lock) throw new AppError('internal', 'An id came twice.');
      try {
        const begun = {
          ...{ id, ownerId, folderId },
          title:
            arrival.title === undefined
              ? titleFromFileName(arrival.fileName)
              : importedTitle(arrival.title, arrival.fileName),
          fileName: storedFileName(arrival.fileName),
          sizeBytes: arrival.sizeBytes,
          blobId: createId(),
          uploadMetadata: arrival.uploadMetadata,
          addedAtMs: arrival.addedAtMs ?? clock.nowMs(),
        };
        // Of unknown size: a byte at least.
        const wanted = { ownerId, quotaBytes, sizeBytes: arrival.sizeBytes ?? 1 };
        await quotas.admit(wanted, () => catalogue.beginUpload({ ...begun, audiences: arrival.audiences }));
        return await open({ ...unknown, ...begun }, lock, () => createCarefulScan(log), quotaBytes);
      } catch (error) {
        await lock.release();
        throw error;
      }
    },

    /**
     * Goes on where it was. The scan is the parked one, or a new one where next to nothing is stored yet; where other
     * bytes came since, by another process or before a stop, there is none, and the whole is scanned at the end.
     */
    async resume(id: string, quotaBytes: number | null): Promise<ArrivingVideo> {
      const lock = await claim(id);
      try {
        const video = await arriving(id);
        const standing = await standingOf(video, blobs);
        if (standing.kind === 'sealed') return sealedArrival(video, standing.receivedBytes, tools, lock);
        let scan = parked.get(id);
        parked.delete(id);
        if (scan?.receivedBytes !== standing.receivedBytes && standing.receivedBytes <= beginningBytes)
          scan = await scanStoredBeginning(video, standing.receivedBytes, tools);
        return await open(
          video,
          lock,
          (storedBytes) => (scan?.receivedBytes === storedBytes ? scan : null),
          quotaBytes,
        );
      } catch (error) {
        await lock.release();
        throw error;
      }
    },

    /** Waits until no other process writes it: one that does is asked to stop. Throws `conflict` where it does not in time. */
    async untilLeft(id: string): Promise<void> {
      const waiting = patience();
      try {
        await locks.untilLeft(lockName(id), waiting.signal);
      } finally {
        waiting.abort();
      }
    },

    async announceSize(id: string, sizeBytes: number, quotaBytes: number | null): Promise<void> {
      const { ownerId, receivedBytes } = await arriving(id);
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) {
        throw new AppError('bad-request', 'The size of an upload is a whole number of bytes above 0.');
      }
      await assertRoom(sizeBytes);
      if (quotaBytes !== null && sizeBytes > quotaBytes)
        await quotas.check({ ownerId, quotaBytes, sizeBytes });
      // What has arrived counts already.
      const moreBytes = Math.max(0, sizeBytes - receivedBytes);
      await quotas.admit({ ownerId, quotaBytes, sizeBytes: moreBytes }, () =>
        catalogue.setUploadSize(id, sizeBytes),
      );
    },

    /** Gives it up, also while another request is writing it. */
    async cancel(id: string): Promise<void> {
      const running = active.get(id);
      if (running) {
        await running.cancel();
        if ((await catalogue.getVideo(id)) !== null)
          throw new AppError('conflict', 'This upload is complete.');
        return;
      }
      const lock = await claim(id);
      let isGone = false;
      try {
        const video = await arriving(id);
        if (!(await discardStopped(video, tools, lock))) await discard(tools, video);
        isGone = true;
        parked.delete(id);
      } finally {
        await lock.release(isGone);
      }
    },

    /** Removes one whose time is over, unless it is being written, or whole: then false. */
    async expire(video: Video): Promise<boolean> {
      const lock = await locks.take(lockName(video.id));
      if (!lock) return false;
      let isGone = false;
      try {
        // It may have arrived meanwhile.
        if ((await catalogue.getVideo(video.id))?.status === 'arriving')
          isGone = await discardStopped(video, tools, lock);
        if (isGone) parked.delete(video.id);
        return isGone;
      } finally {
        await lock.release(isGone);
      }
    },

    /** With the bytes there are of it now. */
    async asOfNow(video: Video): Promise<Video> {
      if (video.status !== 'arriving') return video;
      const running = active.get(video.id);
      if (running) return { ...video, receivedBytes: running.receivedBytes };
      return { ...video, receivedBytes: (await standingOf(video, blobs)).receivedBytes };
    },

    /** Of those that are being written. Other processes' are as they told it a moment ago. */
    receivedNow,

    /** For lists: without asking the blob store. */
    async asOfNowCheaply(videos: readonly Video[]): Promise<readonly Video[]> {
      if (!videos.some(({ status }) => status === 'arriving')) return videos;
      const received = await receivedNow();
      return videos.map((video) => {
        const receivedBytes = video.status === 'arriving' ? received.get(video.id) : undefined;
        return receivedBytes === undefined ? video : { ...video, receivedBytes };
      });
    },

    /**
     * Takes up what stopped processes left. Resolves when all of it is safe to use; scans go on in the background.
     * `isThorough`: also those that could be gone on with the last time, and that nobody was seen to write since.
     */
    async recover({ isThorough }: { readonly isThorough: boolean }): Promise<void> {
      const videos = await catalogue.listArriving();
      const held = await locks.notes(lockName(''));
      const there = new Set(videos.map(({ id }) => id));
      for (const id of watched) if (!there.has(id)) watched.delete(id);
      for (const video of videos) {
        if (isClosed) return;
        const { id, uploadMetadata } = video;
        if (active.has(id) || held.has(lockName(id))) {
          watched.add(id);
          continue;
        }
        if (uploadMetadata !== null && !isThorough && !watched.has(id)) continue;
        const lock = await locks.take(lockName(id));
        if (!lock) continue;
        watched.delete(id);
        await recoverOne(id, lock);
      }
    },

    /** Resolves when no recovery is under way. */
    async settled(): Promise<void> {
      await Promise.all(finishing);
    },

    /** Keeps what is under way for the next start, and ends. */
    async close(): Promise<void> {
      isClosed = true;
      await Promise.allSettled([...active.values()].map((arrival) => arrival.suspend()));
      await Promise.all(finishing);
      parked.clear();
    },
  };
}

const unknown = {
  ...{ status: 'arriving', reason: null, receivedBytes: 0, durationMs: null, container: null, tracks: [] },
  ...{ playback: { viewType: null, originalType: null }, indexId: null, binnedAtMs: null },
} as const satisfies Partial<Video>;

/** Throws `unsupported-media`, and then nothing is left of it. */
async function scanStoredBeginning(
  video: Video,
  storedBytes: number,
  { blobs, catalogue, log }: ArrivalsTools,
): Promise<CarefulScan> {
  if (storedBytes === 0) return createCarefulScan(log);
  const reader = await blobs.openUnfinished(video.blobId);
  try {
    return await scanBeginning(reader, log);
  } catch (error) {
    if (isAppError(error, 'unsupported-media')) await discard({ blobs, catalogue }, video);
    throw error;
  } finally {
    await reader.close();
  }
}

function atIt(): AppError {
  return new AppError('conflict', 'This upload is being written by another request.');
}

function ending(): AppError {
  return new AppError('unavailable', 'The program is ending.');
}

function logUnfinished(error: unknown, id: string, log: Logger): void {
  if (isAppError(error, 'unsupported-media')) {
    log.info({ video: id, reason: error.message }, 'a file that had arrived is no video and was removed');
  } else {
    log.error(
      { err: error, video: id },
      'a video that had arrived could not be finished and is tried again later',
    );
  }
}
