// What becomes of videos, told by the server as it happens (`/api/v1/events`); where that cannot be had, nothing is told
// until it can. Only while the page is in sight: browsers open few connections to one place.
import type { VideoState } from './video-state.ts';

/** When the server refused it, or cannot be reached by a way that browsers try again by themselves. */
const againMs = 5000;

export type Followed = {
  onVideo(state: VideoState): void;
  /** It is not there any more. */
  onGone(id: string): void;
  /** The server does not answer; trying again. */
  onLost?(): void;
};

/** Follows these videos, or where null all that are new. The answer ends it. */
export function followVideos(
  ids: readonly string[] | null,
  { onVideo, onGone, onLost }: Followed,
): () => void {
  const address = ids ? `/api/v1/events?${new URLSearchParams({ videos: ids.join() })}` : '/api/v1/events';
  let source: EventSource | null = null;
  let timer = 0;

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };
  const open = () => {
    close();
    source = new EventSource(address);
    source.addEventListener('video', (event) => onVideo(JSON.parse(event.data) as VideoState));
    source.addEventListener('gone', (event) => onGone((JSON.parse(event.data) as { id: string }).id));
    source.addEventListener('error', () => {
      onLost?.();
      if (source?.readyState === EventSource.CLOSED) timer = window.setTimeout(open, againMs);
    });
  };
  const look = () => (document.visibilityState === 'visible' ? open() : close());
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    document.removeEventListener('visibilitychange', look);
    close();
  };
}
