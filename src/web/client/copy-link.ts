// <kinora-copy-link>: copies the page's address with the moment that is being watched.
import { say } from './say.ts';

export class KinoraCopyLink extends HTMLElement {
  connectedCallback(): void {
    const button = this.querySelector('button');
    if (!button) return;
    button.hidden = false;
    button.addEventListener('click', () => this.#copy());
  }

  async #copy(): Promise<void> {
    const seconds = Math.floor(document.querySelector('video')?.currentTime ?? 0);
    const address = new URL(location.pathname, location.href);
    if (seconds > 0) address.searchParams.set('t', String(seconds));
    const isCopied = await copyText(address.href);
    say(isCopied ? 'The link is copied.' : `The link: ${address.href}`);
  }
}

/** Browsers give the clipboard's own interface to secure pages only; a Pi at home is plain HTTP. */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // Refused by a permission: the older way below may still be open.
  }
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  return isCopied;
}
