// The port to what is known about videos, cameras and people's progress; never bytes. Operations are whole
// operations of the domain, each atomic in its adapter; every write is idempotent (ids are made by the caller).
// Adapters: `sqlite/`, later `mongo/`; both pass `test/contracts/catalogue.ts`.
import type { Codec, Container, TrackKind } from '../media/track.ts';

/** `arriving`: bytes are coming. `ready`: plays. `converting`: will play. `unplayable`: kept, `reason` says why not. */
export type VideoStatus = 'arriving' | 'ready' | 'converting' | 'unplayable';

/** What a person may want to know of a track; the samples are in the index blob. */
export type TrackSummary = {
  readonly number: number;
  readonly kind: TrackKind;
  readonly codec: Codec;
  readonly codecName: string;
  readonly codecString: string | null;
  readonly language: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** Why this track is left out of the view, a sentence; null where it is in. */
  readonly obstacle: string | null;
};

/** How the video can be played: which of the two sources the player lists, and their types. */
export type Playback = {
  /** Media type with codecs of `/videos/:id/video.mp4`; null where there is no view. */
  readonly viewType: string | null;
  /** Media type with codecs of the original where some browser takes its container; else null. */
  readonly originalType: string | null;
};

export type Video = {
  readonly id: string;
  readonly title: string;
  /** The name the file came with, as text; never used as a path. */
  readonly fileName: string;
  readonly status: VideoStatus;
  /** A sentence for `unplayable` and `converting`, and for a `ready` one that plays with something missing; else null. */
  readonly reason: string | null;
  /** Whole size: as announced while arriving (null where not announced), exact afterwards. */
  readonly sizeBytes: number | null;
  /** Bytes stored so far; equals sizeBytes once arrived. */
  readonly receivedBytes: number;
  readonly durationMs: number | null;
  /** `matroska`, `mp4`, ... or what `media/sniff` calls it (`avi`, `mpegts`); null while not known. */
  readonly container: Container | string | null;
  readonly tracks: readonly TrackSummary[];
  readonly playback: Playback;
  readonly blobId: string;
  /** The blob that holds the index; null where there is none. */
  readonly indexId: string | null;
  /** The tus client's metadata header as it came, where it arrives that way, so that any replica can go on. */
  readonly uploadMetadata: string | null;
  readonly addedAtMs: number;
  /** When it was put in the bin; null where it is not. */
  readonly binnedAtMs: number | null;
};

export type NewVideo = Pick<
  Video,
  'id' | 'title' | 'fileName' | 'sizeBytes' | 'blobId' | 'uploadMetadata' | 'addedAtMs'
>;

/** What is known when the last byte has landed and the index is stored. */
export type Arrival = Pick<
  Video,
  'status' | 'reason' | 'durationMs' | 'container' | 'tracks' | 'playback' | 'indexId'
> & { readonly sizeBytes: number };

export type ListRequest = {
  /** 1..1000 */
  readonly limit: number;
  /** The `next` of the page before; null for the first. Throws `bad-request` when it is not one of ours. */
  readonly after: string | null;
  /** Words; a video matches when each is the beginning of a word of its title (case and accents aside). Empty: all. */
  readonly query: string;
  /** The bin instead of the library. */
  readonly inBin?: boolean;
};

export type VideoPage = { readonly items: readonly Video[]; readonly next: string | null };

export type Progress = { readonly positionMs: number; readonly updatedAtMs: number };

/** A camera that was added in the page or over the API (those of the settings file are not in the catalogue). */
export type StoredCamera = {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** The driver's own options; plain JSON values, passwords sealed (`cameras/secret-box.ts`). */
  readonly options: Readonly<Record<string, unknown>>;
  readonly addedAtMs: number;
};

export type Catalogue = {
  /** A video begins to arrive. Again with the same id: nothing happens. */
  beginUpload(video: NewVideo): Promise<void>;
  /** Tells watchers of the page how far it is; may be lost in a crash (the blob store knows the truth). */
  noteReceived(id: string, receivedBytes: number): Promise<void>;
  /** The announced size became known (tus deferred length). */
  setUploadSize(id: string, sizeBytes: number): Promise<void>;
  /** The last byte landed and its index is stored: makes it what it is, durable when it resolves. */
  finishUpload(id: string, arrival: Arrival): Promise<Video>;
  /** A newer index replaces the old (repair). */
  replaceIndex(id: string, arrival: Arrival): Promise<Video>;
  /** Removes the row. Nothing there: nothing happens. The caller has removed the blobs before. */
  forgetVideo(id: string): Promise<void>;
  /** null where there is none; includes those in the bin. */
  getVideo(id: string): Promise<Video | null>;
  /** Newest first. */
  listVideos(request: ListRequest): Promise<VideoPage>;
  /** All that still arrive, in no order (recovery at start). */
  listArriving(): Promise<readonly Video[]>;
  /** Every video, in pages, in constant memory (check, NDJSON, CSV); the bin too where asked. */
  streamVideos(request: { query: string; inBin: boolean | 'both' }): AsyncIterable<Video>;
  /** null where there is none. */
  renameVideo(id: string, title: string): Promise<Video | null>;
  /** `binnedAtMs` null takes it out again. null where there is none. */
  setBinned(id: string, binnedAtMs: number | null): Promise<Video | null>;
  /** Those put in the bin before that moment, at most `limit`. */
  listBinnedBefore(beforeMs: number, limit: number): Promise<readonly Video[]>;
  countVideos(): Promise<number>;

  /** Where a person was in a video. `personId` is `household` until there are accounts. */
  getProgress(personId: string, videoIds: readonly string[]): Promise<ReadonlyMap<string, Progress>>;
  setProgress(personId: string, videoId: string, progress: Progress): Promise<void>;

  listCameras(): Promise<readonly StoredCamera[]>;
  /** Throws `conflict` where another camera has the id. */
  addCamera(camera: StoredCamera): Promise<void>;
  /** Replaces name, driver and options; when it was added stays. False where there is none. */
  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean>;
  /** False where there was none. */
  removeCamera(id: string): Promise<boolean>;

  /** Throws `unavailable` when the store cannot be reached (readiness). */
  ping(): Promise<void>;
  close(): Promise<void>;
};
