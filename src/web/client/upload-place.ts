// Where uploads go: what was chosen on the upload page, kept in this browser for each person, and the folder that is
// open where a file is dropped on it.

export type UploadPlace = { readonly folder: string; readonly share: string };

const nowhere: UploadPlace = { folder: '', share: '' };

/** Several people may use one browser; none puts anything into the folder of another. */
function keyOf(): string {
  const person = document.querySelector<HTMLElement>('kinora-uploads')?.dataset.person ?? '';
  return `kinora-upload-place:${person}`;
}

function read(): UploadPlace {
  try {
    const kept = JSON.parse(localStorage.getItem(keyOf()) ?? '{}');
    const text = (value: unknown) => (typeof value === 'string' ? value : '');
    return { folder: text(kept.folder), share: text(kept.share) };
  } catch {
    // Storage is shut (private mode), or holds what is not ours.
    return nowhere;
  }
}

function keep(place: UploadPlace): void {
  try {
    localStorage.setItem(keyOf(), JSON.stringify(place));
  } catch {
    // It is asked again the next time.
  }
}

/** What goes along with a file that is chosen or dropped on this page. */
export function uploadPlace(): UploadPlace {
  const form = document.querySelector<HTMLElement>('kinora-upload-place');
  if (form) return chosenIn(form);
  const kept = read();
  const open = /^\/folders\/([^/]+)$/.exec(location.pathname)?.[1];
  // The way to upload into it is there where one may.
  const isOwn = open !== undefined && document.querySelector(`a[href="/upload?folder=${open}"]`) !== null;
  return isOwn ? { ...kept, folder: open } : kept;
}

/** The folder is not there any more: later files lie at the top. */
export function forgetFolder(): void {
  keep({ ...read(), folder: '' });
}

function chosenIn(form: HTMLElement): UploadPlace {
  const folder = form.querySelector('select')?.value ?? '';
  const share = form.querySelector<HTMLInputElement>('input[name="share"]')?.checked ? 'household' : '';
  return { folder, share };
}

/** <kinora-upload-place>: the choice on the upload page, as it was left the last time. */
export class KinoraUploadPlace extends HTMLElement {
  connectedCallback(): void {
    const kept = read();
    const folder = this.querySelector('select');
    const share = this.querySelector<HTMLInputElement>('input[name="share"]');
    const isThere = folder !== null && [...folder.options].some(({ value }) => value === kept.folder);
    // A folder that the address asks for goes before the one of the last time.
    if (isThere && this.dataset.asked === undefined) folder.value = kept.folder;
    if (share) share.checked = kept.share === 'household';
    this.addEventListener('change', () => keep(chosenIn(this)));
  }
}
