// Puts the library together: arrivals, views, names, the bin, and what happens by itself. The parts are in the
// files beside this one; the order of writes is `design/writes.md`.
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { LeaseKeeper } from '../leases/keeper.ts';
import { warmUpViews } from '../media/warm-up.ts';
import type { Probe } from '../workers/probe.ts';
import { createArrivals } from './arrivals.ts';
import { removeForGood } from './expiry.ts';
import { createFolders } from './folders.ts';
import { binFolder, giveEverything } from './giving.ts';
import { createIndexSource } from './index-source.ts';
import { createLeaseLocks } from './lease-locks.ts';
import type { Library } from './library.ts';
import { createLocks } from './locks.ts';
import { openOriginal, openView } from './opened-bytes.ts';
import { describeByProbe } from './other-media.ts';
import { createQuotas } from './quota.ts';
import { createReaderPool } from './reader-pool.ts';
import { createTasks, type TaskEnded } from './tasks.ts';
import { maxTitleLength, plainText } from './titles.ts';
import { type Word, watchVideoChanges } from './video-changes.ts';
import { createVideoMaker } from './video-maker.ts';
import { createViewCache } from './view-cache.ts';
import { isSeenToTheEnd } from './watched.ts';
import { createWorkerPart } from './worker-part.ts';

/** Headers of views and decoded indexes: those of eight films of two hours, and a small part of a Pi's memory. */
const cacheBytes = 32 * 1024 * 1024;
/** A player that reads ahead asks again within seconds. */
const idleBlobMs = 10_000;
/** When the start's rush is over, before somebody has found a film to watch. */
const warmUpAfterMs = 3000;

export type LibraryOptions = {
  readonly blobs: BlobStore;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: Pick<Config['data'], 'maxUploadBytes' | 'binMs' | 'unfinishedMs'>;
  /** Finds length and codecs of files no parser here reads; without one that is left to other processes. */
  readonly probe?: Probe;
  /** Where other processes are at the same stores; null or left out where this one has them for itself. */
  readonly leases?: LeaseKeeper | null;
  /** Tells other processes of changes, and of theirs; null or left out where there are none. */
  readonly word?: Word | null;
  /** Whether it does what has to be done once, whoever asks for what; left out: yes. */
  readonly isWorker?: boolean;
  /** Told of each task that ended here. */
  readonly onTaskEnded?: TaskEnded;
};

/** Makes the library. `start()` it before use. Closing it ends the probe; the stores stay the caller's to close. */
export function createLibrary(options: LibraryOptions): Library {
  const { blobs, clock, log, config, probe = null, leases = null, isWorker = true, word = null } = options;
  const changes = watchVideoChanges(options.catalogue, word, log);
  const { catalogue } = changes;
  const closing = new AbortController();
  // Tokens of tasks are above those of earlier runs.
  const locks = leases ? createLeaseLocks(leases, closing.signal) : createLocks(clock.nowMs());
  const cache = createViewCache(cacheBytes);
  const readers = createReaderPool(
    blobs,
    (error) => log.warn({ err: error }, 'a stored file would not close'),
    { clock, idleMs: idleBlobMs },
  );
  const describing = 'describe';
  const tasks = createTasks({
    ...{ catalogue, locks, clock, log, onEnded: options.onTaskEnded },
    works:
      probe && isWorker ? { [describing]: (video) => describeByProbe(video, { blobs, log, probe }) } : {},
  });
  const looks = {
    add: (id: string, videoId: string) => tasks.add(describing, id, videoId),
    wake: tasks.wake,
  };
  const maker = createVideoMaker({ blobs, catalogue, log, looks });
  const indexes = createIndexSource({ blobs, catalogue, cache, locks, log, maker });
  const quotas = createQuotas(catalogue, locks);
  const folders = createFolders({ catalogue, clock, locks });
  const arrivals = createArrivals({
    blobs,
    catalogue,
    clock,
    log,
    maker,
    quotas,
    folders,
    locks,
    maxUploadBytes: config.maxUploadBytes,
    onPause: changes.tell,
  });
  const expiry = {
    ...{ blobs, catalogue, clock, log, locks, binMs: config.binMs, unfinishedMs: config.unfinishedMs },
    expireArrival: (video: Video) => arrivals.expire(video),
    onRemoved: (video: Video) => {
      readers.forget(video.blobId);
      if (video.indexId !== null) cache.forget(`${video.indexId}:`);
    },
  };
  const worker = isWorker ? createWorkerPart({ ...expiry, arrivals, tasks }) : null;
  let warming: Promise<void> = Promise.resolve();

  const get = async (id: string): Promise<Video> => arrivals.asOfNow(there(await catalogue.getVideo(id)));

  /** A piece at a time, so that whoever asks meanwhile waits for milliseconds. */
  const warmUp = async (): Promise<void> => {
    try {
      await clock.sleep(warmUpAfterMs, closing.signal);
      for (const _ of warmUpViews()) {
        await setImmediate();
        if (closing.signal.aborted) return;
      }
    } catch (error) {
      if (!closing.signal.aborted) log.error({ err: error }, 'warming up failed');
    }
  };

  const binVideo = async (id: string): Promise<Video> => {
    const video = arrived(await catalogue.getVideo(id));
    return video.binnedAtMs === null ? there(await catalogue.setBinned(id, clock.nowMs())) : video;
  };
  const removeVideo = async (id: string): Promise<void> => {
    for (;;) {
      let video = arrived(await catalogue.getVideo(id));
      if (video.binnedAtMs === null) video = there(await catalogue.setBinned(id, clock.nowMs()));
      // Not so where somebody else did something with it at the same moment.
      if (await removeForGood(expiry, video)) return;
    }
  };
  const giving = { catalogue, binVideo, cancelArrival: (id: string) => arrivals.cancel(id) };

  return {
    beginArrival: (arrival) => arrivals.begin(arrival),
    assertQuota: (request) => quotas.check(request),
    untilArrivalLeft: (id) => arrivals.untilLeft(id),
    resumeArrival: (id, quotaBytes) => arrivals.resume(id, quotaBytes),
    announceSize: (id, sizeBytes, quotaBytes) => arrivals.announceSize(id, sizeBytes, quotaBytes),
    cancelArrival: (id) => arrivals.cancel(id),

    getVideo: get,
    async listVideos(request) {
      const { items, next } = await catalogue.listVideos(request);
      return { items: await arrivals.asOfNowCheaply(items), next };
    },
    arrivingBytes: () => arrivals.receivedNow(),
    revision: () => changes.revision(),
    streamVideos: (request) => catalogue.streamVideos({ ...request, inBin: false }),
    async renameVideo(id, title) {
      const plain = plainText(title);
      if (plain === '' || plain.length > maxTitleLength) {
        throw new AppError('bad-request', `A title has between 1 and ${maxTitleLength} characters.`);
      }
      return there(await catalogue.renameVideo(id, plain));
    },
    binVideo,
    async restoreVideo(id) {
      const video = there(await catalogue.setBinned(id, null));
      // Its removal had begun: some of it may be gone already.
      if (video.binnedAtMs !== null) throw new AppError('gone', 'This video is being removed.');
      return video;
    },
    async removeVideo(id) {
      // Of one that arrives the lock is held until it has.
      arrived(await catalogue.getVideo(id));
      await locks.run(`video:${id}`, () => removeVideo(id));
    },

    openView: async (id, clip) =>
      openView(there(await catalogue.getVideo(id)), clip, { indexes, cache, readers }),
    openOriginal: async (id) => openOriginal(there(await catalogue.getVideo(id)), readers),

    getProgress: (personId, videoIds) => catalogue.getProgress(personId, videoIds),
    async setProgress(personId, videoId, positionMs) {
      await catalogue.setProgress(personId, videoId, { positionMs, updatedAtMs: clock.nowMs() });
      const video = await catalogue.getVideo(videoId);
      if (!video || !isSeenToTheEnd(positionMs, video.durationMs)) return;
      const marks = (await catalogue.getMarks(personId, [videoId])).get(videoId);
      if (!marks?.isWatched) await catalogue.setMarks(personId, videoId, { isWatched: true });
    },
    listBegun: (personId, sight, limit) => catalogue.listBegun(personId, sight, limit),
    getMarks: (personId, videoIds) => catalogue.getMarks(personId, videoIds),
    setMarks: (personId, videoId, marks) => catalogue.setMarks(personId, videoId, marks),

    moveVideo: async (id, folderId) => there(await catalogue.moveVideo(id, folderId)),
    addFolder: (folder) => folders.add(folder),
    getFolder: (id) => folders.get(id),
    listFolders: (sight, parentId) => catalogue.listFolders(sight, parentId),
    folderPath: (id) => catalogue.folderPath(id),
    renameFolder: (id, name) => folders.rename(id, name),
    moveFolder: (id, parentId) => folders.move(id, parentId),
    binFolder: async (id) => binFolder(giving, await folders.get(id)),
    getAudiences: (subject, id) => catalogue.getAudiences(subject, id),
    setAudiences: (subject, id, audiences) => catalogue.setAudiences(subject, id, audiences),
    getUsage: (ownerId) => catalogue.getUsage(ownerId),
    giveEverything: (fromId, toId, isIntoBin) => giveEverything(giving, fromId, toId, isIntoBin),

    async start() {
      await worker?.start();
      warming = warmUp();
    },
    async close() {
      closing.abort();
      await arrivals.close();
      // What is being looked into ends with it.
      await Promise.all([worker?.close(), probe?.close()]);
      await warming;
      await readers.close();
    },
  };
}

function there(video: Video | null): Video {
  if (video === null) throw new AppError('not-found', 'There is no such video here.');
  return video;
}

function arrived(found: Video | null): Video {
  const video = there(found);
  if (video.status === 'arriving')
    throw new AppError('conflict', 'This video is still arriving: cancel its upload.');
  return video;
}
