// <kinora-password-strength>: asks the server what a new password is worth while it is typed, a moment after the last
// key. The server decides again when the form is sent.

const pauseMs = 300;

type Verdict = { readonly isEnough: boolean; readonly score: number; readonly reason: string | null };

class PasswordStrength extends HTMLElement {
  #timer = 0;
  #asking: AbortController | null = null;

  connectedCallback(): void {
    const field = document.getElementById(this.dataset.for ?? '');
    if (!(field instanceof HTMLInputElement)) return;
    field.addEventListener('input', () => {
      window.clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => this.#judge(field), pauseMs);
    });
  }

  async #judge(field: HTMLInputElement): Promise<void> {
    this.#asking?.abort();
    this.hidden = field.value === '';
    if (this.hidden) return;
    this.#asking = new AbortController();
    const body = new URLSearchParams({ password: field.value });
    for (const name of ['name', 'login']) {
      const beside = field.form?.elements.namedItem(name);
      if (beside instanceof HTMLInputElement) body.append('about', beside.value);
    }
    try {
      const response = await fetch('/sign-up/strength', {
        method: 'POST',
        body,
        signal: this.#asking.signal,
      });
      if (response.ok) this.#show((await response.json()) as Verdict);
    } catch {
      // Out of date, or the server is away: sending the form will tell.
    }
  }

  #show({ isEnough, score, reason }: Verdict): void {
    const meter = this.querySelector('meter');
    const said = this.querySelector('p');
    if (meter) meter.value = score;
    if (said) said.textContent = reason ?? (isEnough ? 'A good password.' : '');
  }
}

customElements.define('kinora-password-strength', PasswordStrength);
