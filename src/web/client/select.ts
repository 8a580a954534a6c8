// <kinora-selection>: picking many cards. The form works by itself; here it counts, takes ranges with Shift, `x` on the
// focused card, everything with Ctrl+A, and Escape leads back out.
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
    this.#count();
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
    if (event.key === 'Escape') {
      const open = this.querySelector<HTMLDetailsElement>('details[open]');
      if (open) open.open = false;
      else document.querySelector<HTMLAnchorElement>('a[data-done]')?.click();
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
