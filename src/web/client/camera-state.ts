// What the API says of the cameras, and how a state is shown.

export type CameraState = {
  readonly id: string;
  readonly state: 'off' | 'starting' | 'live' | 'no-signal';
  readonly viewers: number;
  readonly message?: string | null;
};

/** All cameras. Rejects while the server does not answer. */
export async function fetchCameras(): Promise<readonly CameraState[]> {
  const response = await fetch('/api/v1/cameras', { headers: { accept: 'application/json' } });
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
};

/** Shows a state in the `.state` under `root`. */
export function showState(root: ParentNode, state: CameraState['state'] | 'offline'): void {
  const place = root.querySelector<HTMLElement>('.state');
  if (!place || place.dataset.state === state) return;
  place.dataset.state = state;
  place.querySelector('.word')!.textContent = words[state];
}
