// What the server says of the cameras, and how a state is shown.

export type CameraState = {
  readonly id: string;
  readonly state: 'off' | 'starting' | 'live' | 'no-signal';
  /** Since when, milliseconds since the epoch. */
  readonly stateSinceMs?: number;
  readonly kinds?: { readonly sound: string | null };
  readonly viewers: number;
  readonly message?: string | null;
  readonly lastPictureAtMs?: number | null;
};

/** `offline`: the server does not answer. `removed`: the camera is no more. */
export type ShownState = CameraState['state'] | 'offline' | 'removed';

/** All cameras, or those that another address tells of. Rejects while the server does not answer. */
export async function fetchCameras(address = '/api/v1/cameras'): Promise<readonly CameraState[]> {
  const response = await fetch(address, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  const body = (await response.json()) as { items?: CameraState[] } | CameraState[];
  return Array.isArray(body) ? body : (body.items ?? []);
}

const words = {
  off: 'Off',
  starting: 'Starting',
  live: 'Live',
  'no-signal': 'No signal',
  offline: 'Offline',
  removed: 'Removed',
};

/**
 * Shows a state in the `.state` under `root`; with `sinceMs`, that of a camera without signal says since when. One that
 * starts and says why is one that was lost and comes back.
 */
export function showState(
  root: ParentNode,
  state: ShownState,
  sinceMs: number | null = null,
  message: string | null = null,
): void {
  const place = root.querySelector<HTMLElement>('.state');
  if (!place) return;
  place.dataset.state = state;
  const word = state === 'starting' && message ? 'Reconnecting' : words[state];
  const shown = place.querySelector('.word')!;
  if (shown.textContent !== word) shown.textContent = word;
  const shownMs = state === 'no-signal' ? sinceMs : null;
  let since = place.querySelector<HTMLTimeElement>('time');
  if (shownMs === null) {
    if (state !== 'no-signal') since?.remove();
    return;
  }
  if (!since) {
    since = document.createElement('time');
    place.append(' ', since);
  }
  showSince(since, shownMs);
}

/** The server knows ages only; the browser knows which time of day it was here. */
export function localizeStates(root: ParentNode): void {
  for (const since of root.querySelectorAll<HTMLTimeElement>('.state time')) {
    const atMs = Date.parse(since.dateTime);
    if (!Number.isNaN(atMs)) showSince(since, atMs);
  }
}

function showSince(since: HTMLTimeElement, atMs: number): void {
  const text = `since ${timeOfDay(atMs)}`;
  if (since.textContent === text) return;
  since.dateTime = new Date(atMs).toISOString();
  since.title = new Date(atMs).toLocaleString(undefined, { dateStyle: 'long', timeStyle: 'medium' });
  since.textContent = text;
}

/** `12:04`, of another day with that day. */
export function timeOfDay(atMs: number): string {
  const at = new Date(atMs);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString(undefined, {
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
    ...{ hour: '2-digit', minute: '2-digit' },
  });
}
