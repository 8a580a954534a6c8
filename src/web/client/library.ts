// <kinora-library>: search as one types, and the next page of cards as one comes near the end of this one.
import { rove } from './arrows.ts';
import { localizeMoments } from './moments.ts';
import { fetchPage } from './page-fetch.ts';

/** Long enough that a fast typist asks once a word, short enough to feel immediate. */
const typingMs = 120;
/** A finger that stays so long means the card itself, and may tremble so far. */
const pressMs = 500;
const stillPixels = 10;

class KinoraLibrary extends HTMLElement {
  #leaving = new AbortController();
  #search: AbortController | null = null;
  #timer = 0;
  #observer: IntersectionObserver | null = null;
  #pressTimer = 0;
  #pressed: { readonly x: number; readonly y: number } | null = null;

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    const form = document.querySelector<HTMLFormElement>('form.search');
    form?.addEventListener('input', () => this.#searchSoon(form), { signal });
    form?.addEventListener(
      'submit',
      (event) => {
        event.preventDefault();
        this.#searchSoon(form);
        this.querySelector<HTMLElement>('a[href]')?.focus();
      },
      { signal },
    );
    this.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    this.addEventListener('pointerdown', (event) => this.#onPress(event), { signal });
    for (const end of ['pointerup', 'pointercancel', 'pointermove'])
      this.addEventListener(end, (event) => this.#onRelease(event as PointerEvent), { signal });
    this.addEventListener(
      'contextmenu',
      (event) => {
        // A finger that stays picks the card instead of opening the browser's menu.
        if (this.#pressed) event.preventDefault();
      },
      { signal },
    );
    this.#watchEnd();
  }

  /** `x` on a card begins picking with it. */
  #onKey(event: KeyboardEvent): void {
    if (event.key !== 'x' || event.ctrlKey || event.metaKey || event.altKey) return;
    const card = (event.target as Element).closest<HTMLElement>('.card');
    if (card) this.#pick(card);
  }

  #onPress(event: PointerEvent): void {
    const card = (event.target as Element).closest<HTMLElement>('.card');
    if (event.pointerType !== 'touch' || !card) return;
    clearTimeout(this.#pressTimer);
    this.#pressed = { x: event.clientX, y: event.clientY };
    this.#pressTimer = window.setTimeout(() => this.#pick(card), pressMs);
  }

  #onRelease(event: PointerEvent): void {
    if (!this.#pressed) return;
    const { x, y } = this.#pressed;
    const isStill = Math.hypot(event.clientX - x, event.clientY - y) < stillPixels;
    if (event.type === 'pointermove' && isStill) return;
    clearTimeout(this.#pressTimer);
    this.#pressed = null;
  }

  #pick(card: HTMLElement): void {
    const link = document.querySelector<HTMLAnchorElement>('a[data-select]');
    if (link && card.dataset.id) location.assign(`${link.href}#pick-${card.dataset.id}`);
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
    this.#search?.abort();
    this.#observer?.disconnect();
    clearTimeout(this.#timer);
    clearTimeout(this.#pressTimer);
  }

  #searchSoon(form: HTMLFormElement): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#searchNow(form), typingMs);
  }

  async #searchNow(form: HTMLFormElement): Promise<void> {
    this.#search?.abort();
    this.#search = new AbortController();
    const words = String(new FormData(form).get('q') ?? '').trim();
    const address = words ? `/videos?${new URLSearchParams({ q: words })}` : '/videos';
    this.setAttribute('aria-busy', 'true');
    try {
      const page = await fetchPage(address, this.#search.signal);
      const results = page.querySelector('kinora-library');
      if (!results) return;
      this.replaceChildren(...results.childNodes);
      document.querySelector('h1')!.textContent = page.querySelector('h1')!.textContent;
      document.title = page.title;
      history.replaceState(null, '', address);
      this.#settle();
      this.#announce();
    } catch (error) {
      if ((error as Error).name !== 'AbortError') location.assign(address);
    } finally {
      this.removeAttribute('aria-busy');
    }
  }

  #announce(): void {
    const count = this.querySelectorAll('.card').length;
    const said = document.createElement('p');
    said.className = 'unseen';
    said.setAttribute('role', 'status');
    this.append(said);
    const isMore = this.querySelector('.more') !== null;
    said.textContent = count === 0 ? 'Nothing found' : `${count}${isMore ? ' or more' : ''} videos`;
  }

  #settle(): void {
    rove(this);
    localizeMoments(this);
    this.#watchEnd();
  }

  #watchEnd(): void {
    this.#observer?.disconnect();
    const link = this.querySelector<HTMLAnchorElement>('.more a');
    if (!link) return;
    this.#observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) this.#loadMore(link);
      },
      { rootMargin: '0px 0px 1200px' },
    );
    this.#observer.observe(link);
  }

  async #loadMore(link: HTMLAnchorElement): Promise<void> {
    this.#observer?.disconnect();
    const search = this.#search;
    try {
      const page = await fetchPage(link.href, this.#leaving.signal);
      // A search meanwhile has replaced the list: these cards belong to another one.
      if (search !== this.#search || !link.isConnected) return;
      const hasFocus = document.activeElement === link;
      const cards = [...page.querySelectorAll('kinora-library .card')];
      this.querySelector('.grid')?.append(...cards);
      link.closest('.more')?.remove();
      const more = page.querySelector('kinora-library .more');
      if (more) this.append(more);
      if (hasFocus) cards[0]?.querySelector<HTMLElement>('a[href]')?.focus();
      this.#settle();
    } catch {
      // The link stays, and works as a link.
    }
  }
}

customElements.define('kinora-library', KinoraLibrary);
