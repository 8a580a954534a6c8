// <kinora-television-log-in>: asks for its own page every 5 s until somebody said yes or no on the phone. Without
// scripts the page reloads itself.
import { fetchPage } from './page-fetch.ts';

const everyMs = 5000;

class TelevisionLogIn extends HTMLElement {
  #timer = 0;

  connectedCallback(): void {
    this.#wait();
  }

  disconnectedCallback(): void {
    window.clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = window.setTimeout(() => this.#look(), everyMs);
  }

  async #look(): Promise<void> {
    try {
      const page = await fetchPage(location.href);
      const code = (root: ParentNode) => root.querySelector('main .code')?.textContent;
      if (code(page) === code(document)) this.#wait();
      else if (page.querySelector('kinora-television-log-in')) location.reload();
      else if (page.querySelector('main > .empty'))
        document.querySelector('main')?.replaceWith(page.querySelector('main')!);
      else location.assign('/');
    } catch {
      // Away for a moment: it comes back by itself.
      this.#wait();
    }
  }
}

customElements.define('kinora-television-log-in', TelevisionLogIn);
