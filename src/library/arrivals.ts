// All videos that are arriving: begun, taken up again, given up, recovered at the start. One writer per video; the
// scan of one that pauses is kept for a while, so that going on costs nothing.
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import { AppError, isAppError } from '../errors.ts';
import { createId } from '../ids.ts';
import { Arrival, type ArrivalTools, discard } from './arrival.ts';
import { type CarefulScan, createCarefulScan, replay } from './careful-scan.ts';
import type { Folders } from './folders.ts';
import type { ArrivingVideo, NewArrival } from './library.ts';
import { createLocks } from './locks.ts';
import type { Allowance, Quotas } from './quota.ts';
import { recoverArrival, standingOf } from './recovery.ts';
import { sealedArrival } from './sealed-arrival.ts';
import { importedTitle, storedFileName, titleFromFileName } from './titles.ts';
import type { VideoMaker } from './video-maker.ts';

/** Scans of paused uploads that are kept; each holds the index so far (12 MB for a film of two hours at most). */
const maxParked = 8;
/** Longest metadata header kept, characters: tus clients send a name, a type and a path. */
const maxMetadataLength = 8000;

export type ArrivalsTools = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly maker: VideoMaker;
  readonly quotas: Quotas;
  readonly folders: Folders;
  readonly maxUploadBytes: number;
};

export type Arrivals = ReturnType<typeof createArrivals>;

export function createArrivals(tools: ArrivalsTools) {
  const { blobs, catalogue, clock, log, maker, quotas, folders, maxUploadBytes } = tools;
  const active = new Map<string, Arrival>();
  /** Oldest first. */
  const parked = new Map<string, CarefulScan>();
  /** Who may touch an arriving video: its writer, or its recovery. */
  const locks = createLocks();
  const finishing = new Set<Promise<void>>();
  let isClosed = false;

  const park = (id: string, scan: CarefulScan) => {
    parked.set(id, scan);
    for (const oldest of parked.keys()) {
      if (parked.size <= maxParked) break;
      parked.delete(oldest);
    }
  };

  /** Locks the video for one writer. Throws `conflict` where there is one. */
  const claim = (id: string): (() => void) => {
    if (isClosed) throw new AppError('unavailable', 'The program is ending.');
    const release = locks.take(id);
    if (!release) throw new AppError('conflict', 'This upload is being written by another request.');
    return release;
  };

  const arriving = async (id: string): Promise<Video> => {
    const video = await catalogue.getVideo(id);
    if (video === null) throw new AppError('not-found', 'There is no such upload here.');
    if (video.status !== 'arriving') throw new AppError('conflict', 'This upload is complete.');
    return video;
  };

  const open = async (
    video: Video,
    release: () => void,
    scan: CarefulScan,
    quotaBytes: number | null,
  ): Promise<Arrival> => {
    const writer = await blobs.append(video.blobId);
    let allowance: Allowance | null = null;
    if (video.sizeBytes === null) {
      allowance = quotas.open({ ownerId: video.ownerId, quotaBytes }, video.receivedBytes, writer.sizeBytes);
    }
    const arrivalTools: ArrivalTools = {
      ...{ blobs, catalogue, clock, maker, maxUploadBytes, allowance },
      onEnd(arrival, rest) {
        allowance?.end();
        active.delete(arrival.id);
        parked.delete(arrival.id);
        if (rest && !isClosed) park(arrival.id, rest);
        release();
      },
    };
    const arrival = new Arrival(video, writer, scan, arrivalTools);
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

  return {
    async begin(arrival: NewArrival): Promise<ArrivingVideo> {
      await assertRoom(arrival.sizeBytes);
      if ((arrival.uploadMetadata?.length ?? 0) > maxMetadataLength) {
        throw new AppError('bad-request', 'The metadata of this upload is too long.');
      }
      const { ownerId, folderId, quotaBytes } = arrival;
      await folders.assertOwn(ownerId, folderId);
      const id = createId();
      const release = claim(id);
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
        return await open({ ...unknown, ...begun }, release, createCarefulScan(log), quotaBytes);
      } catch (error) {
        release();
        throw error;
      }
    },

    /** Goes on where it was. The scan is the parked one, or a new one taken through what is stored. */
    async resume(id: string, quotaBytes: number | null): Promise<ArrivingVideo> {
      const release = claim(id);
      try {
        const video = await arriving(id);
        const standing = await standingOf(video, blobs);
        if (standing.kind === 'sealed') return sealedArrival(video, standing.receivedBytes, tools, release);
        let scan = parked.get(id) ?? null;
        parked.delete(id);
        if (scan?.receivedBytes !== standing.receivedBytes) {
          scan = createCarefulScan(log);
          await replayStored(video, scan, standing.receivedBytes, tools);
        }
        return await open(video, release, scan, quotaBytes);
      } catch (error) {
        release();
        throw error;
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
      const release = claim(id);
      try {
        await discard(tools, await arriving(id));
        parked.delete(id);
      } finally {
        release();
      }
    },

    /** Removes one whose time is over, unless it is being written. */
    async expire(video: Video): Promise<void> {
      const release = locks.take(video.id);
      if (!release) return;
      try {
        await discard(tools, video);
        parked.delete(video.id);
      } finally {
        release();
      }
    },

    /** With the bytes there are of it now. */
    async asOfNow(video: Video): Promise<Video> {
      if (video.status !== 'arriving') return video;
      const running = active.get(video.id);
      if (running) return { ...video, receivedBytes: running.receivedBytes };
      return { ...video, receivedBytes: (await standingOf(video, blobs)).receivedBytes };
    },

    /** For lists: without asking the blob store. */
    asOfNowCheaply(video: Video): Video {
      const running = video.status === 'arriving' ? active.get(video.id) : undefined;
      return running ? { ...video, receivedBytes: running.receivedBytes } : video;
    },

    /** Takes up what a crash left. Resolves when all of it is safe to use; scans go on in the background. */
    async recover(): Promise<void> {
      for (const video of await catalogue.listArriving()) {
        const release = locks.take(video.id);
        if (!release) continue;
        let finish: (() => Promise<void>) | null = null;
        try {
          ({ finish } = await recoverArrival(video, tools));
        } catch (error) {
          log.error(
            { err: error, video: video.id },
            'what arrived of a video could not be recovered; it stays as it is',
          );
        }
        if (!finish) {
          release();
          continue;
        }
        const work = finish()
          .catch((error) => logUnfinished(error, video, log))
          .finally(() => {
            release();
            finishing.delete(work);
          });
        finishing.add(work);
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

async function replayStored(
  video: Video,
  scan: CarefulScan,
  storedBytes: number,
  tools: ArrivalsTools,
): Promise<void> {
  if (storedBytes === 0) return;
  const reader = await tools.blobs.openUnfinished(video.blobId);
  try {
    await replay(scan, reader);
  } catch (error) {
    if (isAppError(error, 'unsupported-media')) await discard(tools, video);
    throw error;
  } finally {
    await reader.close();
  }
}

function logUnfinished(error: unknown, video: Video, log: Logger): void {
  if (isAppError(error, 'unsupported-media')) {
    log.info(
      { video: video.id, reason: error.message },
      'a file that had arrived is no video and was removed',
    );
  } else {
    log.error(
      { err: error, video: video.id },
      'a video that had arrived could not be finished; the next start tries again',
    );
  }
}
