// What camera processes tell the others in the notes of their leases: of each camera they own, and of themselves. Read
// with care: a note may come from an older or a newer program.
import type { LeaseRow } from '../../leases/lease-store.ts';
import { type CameraKinds, noKinds } from '../camera-kinds.ts';
import type { CameraInfo, CameraState } from '../cameras.ts';

/** The lease of one camera, and that of one process with the role `camera`. */
export const cameraLease = 'camera:';
export const processLease = 'camera-process:';

/** Longest sentence that is told; a note has to stay small. */
const maxMessageChars = 500;

/** Of an owned camera. Times are of the owner's clock and for people alone. */
export type CameraNote = Pick<
  CameraInfo,
  'state' | 'stateSinceMs' | 'kinds' | 'viewers' | 'message' | 'lastPictureAtMs' | 'isFromSettings'
> & {
  /** Origin at which the owner answers the other processes. */
  readonly url: string;
  /** What it costs its owner (`camera-cost.ts`). */
  readonly cost: number;
  /** Says which driver and options it runs with, without telling them: two that differ are set up differently. */
  readonly setup: string;
};

export type ProcessNote = {
  readonly url: string;
  /** How many cameras it owns, and what they cost together. */
  readonly cameras: number;
  readonly load: number;
  /** It gives its cameras back and takes none. */
  readonly isLeaving: boolean;
};

/** A camera's owner, as its lease says. */
export type Owner = {
  readonly cameraId: string;
  readonly holder: string;
  readonly token: number;
  readonly note: CameraNote;
};

export type CameraProcess = ProcessNote & { readonly holder: string };

/** null where nobody holds it, or its note says nothing that can be used. */
export function readOwner({ name, holder, token, note }: LeaseRow): Owner | null {
  const url = originIn(note);
  if (holder === null || url === null || !name.startsWith(cameraLease)) return null;
  const state = states.find((known) => known === note.state) ?? 'off';
  return {
    ...{ cameraId: name.slice(cameraLease.length), holder, token },
    note: {
      ...{ url, state, kinds: readKinds(note.kinds) },
      stateSinceMs: numberIn(note.stateSinceMs) ?? 0,
      viewers: countIn(note.viewers),
      message: readMessage(note.message),
      lastPictureAtMs: numberIn(note.lastPictureAtMs),
      isFromSettings: note.isFromSettings === true,
      cost: costIn(note.cost),
      setup: typeof note.setup === 'string' ? note.setup.slice(0, 100) : '',
    },
  };
}

/** As `readOwner`, of a process. */
export function readProcess({ name, holder, note }: LeaseRow): CameraProcess | null {
  const url = originIn(note);
  if (holder === null || url === null || !name.startsWith(processLease)) return null;
  const [cameras, load, isLeaving] = [countIn(note.cameras), costIn(note.load), note.isLeaving === true];
  return { holder, url, cameras, load, isLeaving };
}

/** What a viewer of another process is told of a camera's state; anything else becomes `off`. */
export function readState(value: unknown): CameraState {
  return states.find((known) => known === value) ?? 'off';
}

export function readMessage(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, maxMessageChars) : null;
}

export function countIn(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}

export function readKinds(value: unknown): CameraKinds {
  if (typeof value !== 'object' || value === null) return noKinds;
  const { pictures, video, sound, width, height } = value as Readonly<Record<string, unknown>>;
  const kinds = {
    pictures: pictures === true,
    video: videos.find((known) => known === video) ?? null,
    sound: sounds.find((known) => known === sound) ?? null,
  };
  // The very object that says so, for those who compare.
  if (!kinds.pictures && kinds.video === null && kinds.sound === null) return noKinds;
  return { ...kinds, width: sizeIn(width), height: sizeIn(height) };
}

const states = ['off', 'starting', 'live', 'no-signal'] as const;
const videos = ['avc', 'hevc'] as const;
const sounds = ['aac', 'opus', 'pcma', 'pcmu'] as const;

/** An origin to which questions may go. */
function originIn({ url }: Readonly<Record<string, unknown>>): string | null {
  if (typeof url !== 'string' || url.length > 300 || !URL.canParse(url)) return null;
  const { protocol, origin } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? origin : null;
}

function numberIn(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function costIn(value: unknown): number {
  return Math.min(1e6, Math.max(0, numberIn(value) ?? 0));
}

function sizeIn(value: unknown): number | null {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= 65_535
    ? (value as number)
    : null;
}
