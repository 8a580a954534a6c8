// <kinora-selection>: picking many cards. The form works by itself; here it counts, takes ranges with Shift, `x` on the
// focused card, more with Shift and arrows, everything with Ctrl+A, and Escape leads back out.
class KinoraSelection extends HTMLElement {
  #leaving = new AbortController();
  /** The box a range with Shift begins at. */
  #anchor: HTMLInputElement | null = null;

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.addEventListener('click', (event) => this.#onClick(event), { signal });
    this.addEventListener('change', () => this.#count(), { signal });
    document.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    this.#begin();
    this.#count();
  }

  /** Led here by a card: that one is picked. */
  #begin(): void {
    const id = /^#pick-([0-9a-z]{16})$/.exec(location.hash)?.[1];
    const box = this.#boxes.find(({ value }) => value === id);
    if (!box) return;
    box.checked = true;
    this.#anchor = box;
    box.focus();
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
  }

  get #boxes(): HTMLInputElement[] {
    return [...this.querySelectorAll<HTMLInputElement>('input[name="id"]')];
  }

  #onClick(event: MouseEvent): void {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || box.name !== 'id') return;
    const boxes = this.#boxes;
    if (event.shiftKey && this.#anchor && this.#anchor !== box) {
      const [from, to] = [boxes.indexOf(this.#anchor), boxes.indexOf(box)].sort((one, other) => one - other);
      for (const between of boxes.slice(from, to! + 1)) between.checked = box.checked;
    }
    this.#anchor = box;
    this.#count();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.altKey) return;
    const isField = event.target instanceof HTMLSelectElement;
    if (event.shiftKey && event.key.startsWith('Arrow')) this.#extend(event);
    else if (event.key === 'Escape') {
      // The table of keys closes first.
      if (document.querySelector('dialog[open]')) return;
      const open = this.querySelector<HTMLDetailsElement>('details[open]');
      if (open) {
        open.open = false;
        open.querySelector('summary')?.focus();
      } else document.querySelector<HTMLAnchorElement>('a[data-done]')?.click();
    } else if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey) && !isField) {
      event.preventDefault();
      const boxes = this.#boxes;
      const isAll = boxes.every((box) => box.checked);
      for (const box of boxes) box.checked = !isAll;
      this.#count();
    } else if (event.key === 'x' && !event.ctrlKey && !event.metaKey) {
      const focused = document.activeElement;
      if (focused instanceof HTMLInputElement && focused.name === 'id') focused.click();
    }
  }

  /** Shift with an arrow goes on to the card there and picks all on the way. */
  #extend(event: KeyboardEvent): void {
    const boxes = this.#boxes;
    const at = boxes.indexOf(document.activeElement as HTMLInputElement);
    const grid = this.querySelector('.grid');
    if (at < 0 || !grid) return;
    const columns = getComputedStyle(grid).gridTemplateColumns.split(' ').length;
    const isReversed = getComputedStyle(grid).direction === 'rtl';
    const sideways = isReversed ? -1 : 1;
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: -sideways, ArrowRight: sideways, ArrowUp: -columns, ArrowDown: columns },
    };
    const to = boxes[at + (steps[event.key] ?? 0)];
    if (!to) return;
    event.preventDefault();
    const [first, last] = [at, boxes.indexOf(to)].sort((one, other) => one - other);
    for (const box of boxes.slice(first, last! + 1)) box.checked = true;
    this.#anchor = to;
    to.focus();
    this.#count();
  }

  #count(): void {
    const picked = this.#boxes.filter((box) => box.checked).length;
    const said = this.querySelector<HTMLElement>('.picked');
    if (said) {
      said.hidden = false;
      said.textContent = picked === 0 ? 'Nothing picked' : `${picked} picked`;
    }
    for (const button of this.querySelectorAll<HTMLButtonElement>('.selection-bar button'))
      button.disabled = picked === 0;
  }
}

customElements.define('kinora-selection', KinoraSelection);
