// What the API says of one video, as far as the pages follow it while it arrives.

export type VideoState = {
  readonly id: string;
  readonly status: 'arriving' | 'ready' | 'converting' | 'unplayable';
  readonly sizeBytes: number | null;
  readonly receivedBytes?: number;
};

/** null where the video is gone (the upload was cancelled). Rejects while the server does not answer. */
export async function fetchVideoState(id: string): Promise<VideoState | null> {
  const response = await fetch(`/api/v1/videos/${encodeURIComponent(id)}`, {
    headers: { accept: 'application/json' },
  });
  if (response.status === 404 || response.status === 410) return null;
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return (await response.json()) as VideoState;
}

const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];

/** `610 MB`, as the server writes it. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const isFine = unit >= 3 ? value < 100 : unit > 0 && value < 10;
  return new Intl.NumberFormat(navigator.language, {
    ...{ style: 'unit', unit: units[unit]!, maximumFractionDigits: isFine ? 1 : 0 },
  }).format(value);
}

/** `62 %`, rounded down: a whole hundred means done. */
export function formatShare(share: number): string {
  return new Intl.NumberFormat(navigator.language, { style: 'percent' }).format(
    Math.floor(share * 100) / 100,
  );
}

/** `1:02:09`, `4:05` */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const tail = String(seconds % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}
