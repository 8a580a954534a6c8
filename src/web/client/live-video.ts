// Plays a camera's live.mp4 in a <video> (or its sound.mp4 in an <audio>) as near to now as the browser lets it: the stream is appended as it comes,
// and a player that has fallen behind jumps instead of showing late pictures. Memory: half a minute of the stream.

/** How near to now, in seconds before the end of what has come. */
type Nearness = {
  /** Further behind than this is a jump; a little behind is made good by playing faster. */
  readonly jump: number;
  readonly fast: number;
  readonly near: number;
  /** Where a jump lands: the next picture must be there in time. */
  readonly land: number;
};
/** Pictures alone need nothing in hand but the next one. */
const silentNearness: Nearness = { jump: 0.4, fast: 0.14, near: 0.07, land: 0.05 };
/** Browsers keep a fifth of a second of sound in hand, and crack where there is less. */
const soundNearness: Nearness = { jump: 0.7, fast: 0.33, near: 0.23, land: 0.2 };
const fastRate = 1.1;

/** Each time the picture stops for want of more, the player stays this much further behind, for a while. */
const stallSeconds = 0.1;
const mostStallSeconds = 1;
const forgetMs = 15_000;

/** Seconds kept behind the picture, and the most that is buffered while somebody has paused. */
const keptSeconds = 5;
const mostSeconds = 30;

/** Why the pictures ended: `refused` (the camera has no video, or this browser cannot play it) is for good. */
export type LiveOutcome = 'refused' | 'ended';

export type LiveWatching = {
  readonly signal: AbortSignal;
  /** The stream begins; with its headers. */
  readonly onHead?: (headers: Headers) => void;
  /** Something has come. */
  readonly onData: () => void;
};

type SourceClass = typeof MediaSource;

/** What this browser has for appending streams; Safari on phones has only its own managed kind. */
function sourceClass(): SourceClass | null {
  const managed = (globalThis as { ManagedMediaSource?: SourceClass }).ManagedMediaSource;
  return globalThis.MediaSource ?? managed ?? null;
}

/** Whether `playLive` can work at all here. */
export function canPlayLive(): boolean {
  return sourceClass() !== null;
}

/**
 * Fetches the stream, with its sound unless the video is muted, and plays it in `video` until it ends or `signal`
 * aborts. Rejects where the server cannot be reached or has no signal.
 */
export async function playLive(
  video: HTMLMediaElement,
  address: string,
  watching: LiveWatching,
): Promise<LiveOutcome> {
  const Source = sourceClass();
  if (!Source) return 'refused';
  const isSilent = video.muted;
  const { signal } = watching;
  const response = await fetch(isSilent ? `${address}?sound=false` : address, { signal });
  if (response.status === 409) return 'refused';
  if (!response.ok || !response.body) throw new Error(`The server answered ${response.status}.`);
  const type = response.headers.get('content-type') ?? '';
  if (!Source.isTypeSupported(type)) {
    await response.body.cancel();
    return 'refused';
  }
  watching.onHead?.(response.headers);
  const source = new Source();
  const url = URL.createObjectURL(source);
  try {
    // Managed sources open only where nothing else may take the stream over.
    video.disableRemotePlayback = true;
    for (const other of video.querySelectorAll('source')) other.remove();
    video.src = url;
    await once(source, 'sourceopen', signal);
    const buffer = source.addSourceBuffer(type);
    const nearness = isSilent ? silentNearness : soundNearness;
    await append(video, buffer, response.body.getReader(), nearness, watching);
    return 'ended';
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function append(
  video: HTMLMediaElement,
  buffer: SourceBuffer,
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  { jump, fast, near, land }: Nearness,
  { signal, onData }: LiveWatching,
): Promise<void> {
  let isPausedByPerson = false;
  let isJumping = false;
  /** What this connection and this machine need beyond the nearness wished for, and since when that was enough. */
  let slack = 0;
  let steadySinceMs = performance.now();
  const over = new AbortController();
  const listening = { signal: over.signal };
  video.addEventListener(
    'pause',
    () => {
      // A page that is hidden pauses too; only the person in front of it means it.
      isPausedByPerson = !document.hidden;
    },
    listening,
  );
  video.addEventListener(
    'play',
    () => {
      isPausedByPerson = false;
      isJumping = true;
    },
    listening,
  );
  const onWaiting = () => {
    // A jump stops the picture too.
    if (video.seeking) return;
    slack = Math.min(mostStallSeconds, slack + stallSeconds);
    steadySinceMs = performance.now();
  };
  video.addEventListener('waiting', onWaiting, listening);
  const keepUp = () => {
    const { buffered } = video;
    if (buffered.length === 0 || isPausedByPerson) return;
    const start = buffered.start(buffered.length - 1);
    const end = buffered.end(buffered.length - 1);
    if (slack > 0 && performance.now() - steadySinceMs > forgetMs) {
      slack = Math.max(0, slack - stallSeconds);
      steadySinceMs = performance.now();
    }
    const behind = end - video.currentTime - slack;
    if (behind > jump || video.currentTime < start || isJumping) {
      video.currentTime = Math.max(start, end - land - slack);
      video.playbackRate = 1;
      isJumping = false;
    } else if (behind > fast) video.playbackRate = fastRate;
    else if (behind < near) video.playbackRate = 1;
    // Refused where sound may not begin by itself: then the person has the button.
    if (video.paused) void video.play().catch(() => {});
  };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      onData();
      buffer.appendBuffer(value);
      await once(buffer, 'updateend', signal);
      keepUp();
      const old = oldEnd(video);
      if (old > 0) {
        buffer.remove(0, old);
        await once(buffer, 'updateend', signal);
      }
    }
  } finally {
    over.abort();
    void reader.cancel().catch(() => {});
  }
}

/** Up to where the buffer may be emptied; 0: nowhere. */
function oldEnd({ buffered, currentTime }: HTMLMediaElement): number {
  if (buffered.length === 0) return 0;
  const [start, end] = [buffered.start(0), buffered.end(buffered.length - 1)];
  const wanted = Math.max(currentTime - keptSeconds, end - mostSeconds);
  // Not with every picture: emptying costs a look at all of it.
  return wanted - start > keptSeconds ? wanted : 0;
}

/** The next event of that name; rejects when the signal aborts. */
function once(target: EventTarget, name: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const onAbort = () => {
      target.removeEventListener(name, onEvent);
      reject(signal.reason);
    };
    const onEvent = () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    };
    target.addEventListener(name, onEvent, { once: true });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
