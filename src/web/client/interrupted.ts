// Uploads that a reload or a lost connection cut short, as the tus client notes them in this browser. The bytes
// that arrived are still on the server; the browser only needs the same file once more.

export type Interrupted = { readonly key: string; readonly fileName: string; readonly url: string };

/** Every key of the tus client begins so (tus-js-client, `WebStorageUrlStorage`). */
const prefix = 'tus::';

export function listInterrupted(): Interrupted[] {
  const found: Interrupted[] = [];
  try {
    for (let index = 0; index < localStorage.length; index += 1) {
      const key = localStorage.key(index) ?? '';
      if (!key.startsWith(prefix)) continue;
      const note = JSON.parse(localStorage.getItem(key) ?? '{}');
      const fileName = note.metadata?.filename;
      if (typeof fileName === 'string' && typeof note.uploadUrl === 'string') {
        found.push({ key, fileName, url: note.uploadUrl });
      }
    }
  } catch {
    // Storage is shut (private mode) or holds what is not ours: nothing can be resumed, nothing is lost here.
  }
  return found;
}

/** Removes what arrived of it, and the note. */
export async function forgetInterrupted(interrupted: Interrupted): Promise<void> {
  localStorage.removeItem(interrupted.key);
  await fetch(interrupted.url, { method: 'DELETE', headers: { 'tus-resumable': '1.0.0' } }).catch(() => {
    // The server removes unfinished uploads by itself after some days.
  });
}
