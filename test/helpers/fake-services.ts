// The ports of the library and the cameras in memory, filled with what a household has after a few years, so that
// pages can be built, looked at and tested without bytes. Deterministic: ids, ages and sizes never change.
import pino from 'pino';
import { createAccess } from '../../src/accounts/create-access.ts';
import type { GuestLinks } from '../../src/accounts/guest-links.ts';
import { householdId } from '../../src/accounts/permissions.ts';
import type { BlobStore } from '../../src/blobs/blob-store.ts';
import { noKinds } from '../../src/cameras/camera-kinds.ts';
import type { CameraInfo, Cameras, Picture } from '../../src/cameras/cameras.ts';
import type { Catalogue, Progress, TrackSummary, Video } from '../../src/catalogue/catalogue.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import type { Config } from '../../src/config.ts';
import { AppError } from '../../src/errors.ts';
import type { Services } from '../../src/http/services.ts';
import type { Library } from '../../src/library/library.ts';
import type { Metrics } from '../../src/metrics/metrics.ts';
import { createFakeAccounts, type FakeAccounts, type FakeAccountsOptions } from './fake-accounts.ts';
import { createFakeSharing, type FakeSharing } from './fake-sharing.ts';

const dayMs = 86_400_000;

/** What the household filmed or kept: title, minutes, MB. Numbers are added where one is used again. */
const subjects: readonly [string, number, number][] = [
  ['Summer at the lake', 12.4, 1840],
  ['Grandmother tells of the mill', 48.1, 2210],
  ['First steps', 0.6, 84],
  ['Snow on the balcony', 2.3, 312],
  ['Piano recital, second row', 34.8, 3900],
  ['The Third Man (1949)', 104.2, 7340],
  ['Lisbon, tram 28', 6.9, 870],
  ['Birthday with far too many balloons', 9.2, 1210],
  ['Night train to Narvik', 71.5, 5120],
  ['How the beehive was moved', 17.3, 2040],
  ['Allotment, spring to autumn in four minutes', 4.0, 402],
  ['Radio play: the lighthouse', 52.6, 71],
  ['Football in the rain', 21.9, 2600],
  ['Bread, start to finish', 14.2, 1330],
  ['Wedding of Ana and Teun', 127.8, 11400],
];

/** Titles that try the layout: very long, without spaces, right to left, markup, quotes, empty-looking. */
export const hostileTitles: readonly string[] = [
  '<script>alert("title")</script>',
  '"onmouseover="alert(1)" x=\'',
  'عطلة الصيف على البحيرة مع العائلة',
  'סרטון יום ההולדת של סבתא',
  `${'Averyveryverylongnamewithoutanyspaces'.repeat(5)}.mkv`,
  'The complete and unabridged account of how we tried to assemble the wardrobe on a Sunday afternoon, with commentary by everyone who happened to be in the room, part one of several',
  '\u202Egnp.exe movie',
  '../../etc/passwd',
  'אבא & Söhne — “50 % off” &amp; 日本の夏',
];

/** An id made of a number: 16 characters of the ids' alphabet. */
export function fakeId(number: number): string {
  const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
  let state = BigInt(number + 1) * 0x9e3779b97f4a7c15n;
  let id = '';
  for (let index = 0; index < 16; index += 1) {
    id += alphabet[Number((state >> 40n) & 31n)];
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  }
  return id;
}

function track(part: Partial<TrackSummary>): TrackSummary {
  return {
    ...{ number: 1, kind: 'video', codec: 'avc', codecName: 'V_MPEG4/ISO/AVC', codecString: 'avc1.640028' },
    ...{ language: 'und', name: '', width: 0, height: 0, channels: 0, sampleRate: 0, obstacle: null },
    ...part,
  };
}

const picture = track({ width: 1920, height: 1080 });
const sound = track({
  ...{ number: 2, kind: 'audio', codec: 'aac', codecName: 'A_AAC', codecString: 'mp4a.40.2' },
  ...{ language: 'eng', channels: 2, sampleRate: 48000 },
});

/** A video as the catalogue would hold it. `part` replaces any of it. */
export function fakeVideo(number: number, nowMs: number, part: Partial<Video> = {}): Video {
  const [title, minutes, megabytes] = subjects[number % subjects.length]!;
  const round = Math.floor(number / subjects.length);
  const isSound = title.startsWith('Radio');
  const sizeBytes = megabytes * 1_000_000 + number * 12_345;
  return {
    ...{ id: fakeId(number), ownerId: householdId, folderId: null },
    title: round === 0 ? title : `${title}, ${2026 - round}`,
    fileName: `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.mkv`,
    ...{ status: 'ready', reason: null, sizeBytes, receivedBytes: sizeBytes },
    durationMs: Math.round(minutes * 60_000) + number * 7,
    container: isSound ? 'matroska' : number % 3 === 0 ? 'mp4' : 'matroska',
    tracks: isSound ? [sound] : [picture, sound],
    playback: { viewType: 'video/mp4; codecs="avc1.640028, mp4a.40.2"', originalType: null },
    ...{ blobId: fakeId(number + 5000), indexId: fakeId(number + 9000), uploadMetadata: null },
    addedAtMs: nowMs - Math.round(number ** 1.9 * 3_700_000) - 240_000,
    binnedAtMs: null,
    ...part,
  };
}

function household(nowMs: number, count: number): Video[] {
  const videos = Array.from({ length: count }, (_, number) => fakeVideo(number, nowMs));
  const odd = (index: number, part: Partial<Video>) => {
    if (index < count) videos[index] = { ...videos[index]!, ...part };
  };
  odd(0, {
    ...{ title: 'Harvest festival, the whole afternoon', status: 'arriving', durationMs: null, tracks: [] },
    ...{ sizeBytes: 4_210_000_000, receivedBytes: 2_630_000_000, container: 'matroska' },
    ...{ playback: { viewType: null, originalType: null }, indexId: null },
  });
  odd(6, {
    ...{ title: 'Camcorder tape 14', status: 'unplayable', container: 'avi', durationMs: 1_980_000 },
    reason: 'This is an AVI file, and no browser can play those. It will be converted in a later version.',
    playback: { viewType: null, originalType: null },
  });
  odd(9, {
    ...{ title: 'Opera night, surround sound', status: 'ready' },
    reason: 'The sound (AC-3) cannot be played by browsers yet, so this plays without it.',
  });
  for (const [index, title] of hostileTitles.entries()) odd(17 + index, { title, fileName: title });
  for (let index = 40; index < 44; index += 1) odd(index, { binnedAtMs: nowMs - (index - 38) * dayMs });
  return videos;
}

const config: Config = {
  roles: new Set(['web', 'auth', 'worker', 'camera']),
  cluster: { mongoUrl: null, serviceUrl: null },
  server: {
    ...{ publicUrl: null, hosts: [], trustedProxies: [] },
    ...{
      host: 'localhost',
      port: 0,
      isPortFixed: true,
      maxPartialBytes: Infinity,
      accel: false,
      drainMs: 1000,
      drainWaitMs: 0,
    },
  },
  auth: {
    ...{ mode: 'none', signUp: 'invite', header: 'remote-user', quotaBytes: null },
    ...{ serviceUrl: null, serviceSecret: null, mail: null, openId: null },
  },
  data: {
    folder: process.cwd(),
    reserveBytes: 1_000_000_000,
    cacheBytes: 0,
    maxUploadBytes: Infinity,
    binMs: 30 * dayMs,
    unfinishedMs: 7 * dayMs,
  },
  cameras: { list: [], lingerMs: 10_000 },
  log: { level: 'silent', format: 'json' },
};

export type FakeOptions = {
  readonly videoCount?: number;
  readonly cameraCount?: number;
  readonly clock?: Clock;
  /** The picture that every camera shows. */
  readonly jpeg?: Uint8Array;
  /** How people come in; `none` where left out. */
  readonly mode?: Config['auth']['mode'];
  readonly accounts?: FakeAccountsOptions;
};

/** Services in memory. `videos` is the live array, newest first, for tests that change one. */
export function createFakeServices(options: FakeOptions = {}): Services & {
  readonly videos: Video[];
  readonly accounts: FakeAccounts;
  /** Folders and shares, for tests that change some. */
  readonly sharing: FakeSharing;
} {
  const clock = options.clock ?? systemClock;
  const nowMs = clock.nowMs();
  const videos = household(nowMs, options.videoCount ?? 200);
  const progress = new Map<string, Progress>();
  for (const [index, share] of [0.62, 0.18, 0.41, 0.85].entries()) {
    const video = videos[4 + index * 4];
    if (!video?.durationMs) continue;
    progress.set(video.id, { positionMs: video.durationMs * share, updatedAtMs: nowMs - index * 9_000_000 });
  }

  const find = (id: string): Video => {
    const video = videos.find((candidate) => candidate.id === id);
    if (!video) throw new AppError('not-found', 'There is no such video here.');
    return video;
  };
  const change = (id: string, part: Partial<Video>): Video => {
    const changed = { ...find(id), ...part };
    videos[videos.findIndex((video) => video.id === id)] = changed;
    return changed;
  };
  const words = (text: string) => text.toLocaleLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const matches = (video: Video, query: string) => {
    const titleWords = words(video.title);
    return words(query).every((word) => titleWords.some((candidate) => candidate.startsWith(word)));
  };
  const unused = () => Promise.reject(new AppError('unavailable', 'The fake library holds no bytes.'));

  const sharing = createFakeSharing(videos, () => clock.nowMs());
  let looks = 0;
  const library: Library = {
    ...sharing.library,
    ...{
      assertQuota: async () => {},
      giveEverything: async () => {},
      beginArrival: unused,
      untilArrivalLeft: async () => {},
      arrivingBytes: async () => new Map(),
      // Tests change videos behind its back.
      revision: () => ++looks,
      resumeArrival: unused,
      cancelArrival: unused,
      announceSize: unused,
    },
    ...{ openView: unused, openOriginal: unused },
    getVideo: async (id) => find(id),
    async listVideos({ limit, after, query, inBin, sight, folderId, whose }) {
      const rows = videos.filter(
        (video) =>
          (video.binnedAtMs !== null) === (inBin ?? false) &&
          matches(video, query) &&
          sharing.isSeen(sight, video) &&
          (folderId === undefined || video.folderId === folderId) &&
          (!sight || !whose || sight.ownerIds.includes(video.ownerId) === (whose === 'own')),
      );
      const start = after === null ? 0 : rows.findIndex((video) => video.id === after) + 1;
      const items = rows.slice(start, start + limit);
      return { items, next: start + limit < rows.length ? items.at(-1)!.id : null };
    },
    async *streamVideos({ query, sight }) {
      for (const video of videos) if (matches(video, query) && sharing.isSeen(sight, video)) yield video;
    },
    async renameVideo(id, title) {
      find(id);
      if (!title.trim() || title.length > 500) {
        throw new AppError('bad-request', 'A title has between 1 and 500 characters.');
      }
      return change(id, { title });
    },
    binVideo: async (id) => change(id, { binnedAtMs: clock.nowMs() }),
    restoreVideo: async (id) => change(id, { binnedAtMs: null }),
    async removeVideo(id) {
      videos.splice(videos.indexOf(find(id)), 1);
    },
    async getProgress(_personId, ids) {
      return new Map(ids.flatMap((id) => (progress.has(id) ? [[id, progress.get(id)!] as const] : [])));
    },
    async setProgress(_personId, videoId, positionMs) {
      find(videoId);
      progress.set(videoId, { positionMs, updatedAtMs: clock.nowMs() });
    },
    async listBegun(_personId, sight, limit) {
      const when = (video: Video) => progress.get(video.id)?.updatedAtMs ?? 0;
      return videos
        .filter((video) => when(video) > 0 && video.status === 'ready' && sharing.isSeen(sight, video))
        .sort((one, other) => when(other) - when(one))
        .slice(0, limit);
    },
    async moveVideo(id, folderId) {
      return change(id, { folderId });
    },
    async getUsage(ownerId) {
      const own = videos.filter((video) => video.ownerId === ownerId);
      return { videos: own.length, bytes: own.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0) };
    },
    start: async () => {},
    close: async () => {},
  };

  // The port grows with its own issues; the pages read these fields.
  const camera = (id: string, name: string, part: Partial<CameraInfo>) => {
    const info: Partial<CameraInfo> = {
      ...{ id, name, driver: 'emulated', state: 'off', viewers: 0, message: null },
      ...{
        lastPictureAtMs: null,
        isFromSettings: true,
        kinds: { ...noKinds, pictures: true },
        stateSinceMs: nowMs - 60_000,
      },
      ...part,
    };
    return info as CameraInfo;
  };
  const cameraList = [
    camera('default', 'Front door', { state: 'live', viewers: 2, lastPictureAtMs: nowMs - 400 }),
    camera('garden', 'Garden', { state: 'off', lastPictureAtMs: nowMs - 3 * 3_600_000 }),
    camera('nursery', 'Nursery', { state: 'starting' }),
    camera('garage', 'Garage', {
      ...{ state: 'no-signal', lastPictureAtMs: nowMs - 26 * 60_000, stateSinceMs: nowMs - 26 * 60_000 },
      message: 'The camera does not answer at its address.',
      ...{ isFromSettings: false, driver: 'rtsp' },
    }),
    ...Array.from({ length: Math.max(0, (options.cameraCount ?? 0) - 4) }, (_, index) =>
      camera(`camera-${index}`, `Camera ${index + 5}`, { state: 'live', lastPictureAtMs: nowMs - 200 }),
    ),
  ].slice(0, options.cameraCount ?? 4);
  const cameraPort: Partial<Cameras> = {
    list: () => cameraList,
    get: (id) => cameraList.find((candidate) => candidate.id === id) ?? null,
    figures: () => [],
    setup: (id) =>
      id === 'garage'
        ? {
            ...{ id, name: 'Garage', driver: 'rtsp', secrets: ['password'] },
            options: { url: 'rtsp://192.168.1.20/stream1', user: 'anna' },
          }
        : null,
    discover: async () => [
      {
        ...{ kind: 'v4l2', name: 'USB2.0 HD Webcam', address: '/dev/video0', driver: 'v4l2' },
        options: { device: '/dev/video0' },
      },
      {
        ...{ kind: 'onvif', name: 'Garden Cam P3245', address: '192.168.1.40', driver: 'rtsp' },
        options: { url: 'rtsp://192.168.1.40/' },
      },
    ],
    watch: () => {
      throw new AppError('unavailable', 'The fake cameras have no hub.');
    },
    add: unused,
    remove: unused,
    async snapshot(id): Promise<Picture> {
      const found = cameraList.find((candidate) => candidate.id === id);
      if (!found || !options.jpeg) throw new AppError('unavailable', 'No picture.');
      return { jpeg: options.jpeg, takenAtMs: clock.nowMs(), sequence: 1 };
    },
    onChange: () => () => {},
    close: async () => {},
  };

  const cameras = cameraPort as Cameras;
  // Pages ask these for one thing each; the rest of them is tested where it lives.
  const catalogue = {
    ...sharing.catalogue,
    ...{ countVideos: async () => videos.length, noteAudit: async () => {}, listAudit: async () => [] },
    ownFolders: async (ownerIds) => sharing.folders.filter(({ ownerId }) => ownerIds.includes(ownerId)),
    countInFolders: async () => new Map(),
    listLinks: async () => [],
  } as Partial<Catalogue> as Catalogue;
  const room = { freeBytes: 411_000_000_000, totalBytes: 1_000_000_000_000 };
  const blobs = { room: async () => room } as Partial<BlobStore> as BlobStore;
  const metrics = {
    ...{ answered: () => {}, sent: () => {}, arrived: () => {} },
    ...{ contentType: 'text/plain', read: async () => '' },
    cluster: { watch: () => {}, leaseLost: () => {}, taskEnded: () => {} },
  } as Metrics;
  const accounts = createFakeAccounts({ clock, ...options.accounts });
  return {
    config: { ...config, auth: { ...config.auth, mode: options.mode ?? 'none' } },
    accounts,
    access: createAccess({ catalogue }),
    links: { list: async () => [] } as Partial<GuestLinks> as GuestLinks,
    running: { watch: () => {}, close: () => {} },
    accel: null,
    sharing,
    clock,
    log: pino({ level: 'silent' }),
    catalogue,
    blobs,
    metrics,
    library,
    cameras,
    videos,
  };
}
