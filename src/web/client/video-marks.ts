// <kinora-marks>: favourite and watched by a press that leaves the picture playing. Without scripts each is a form.
import { say } from './say.ts';

export class KinoraMarks extends HTMLElement {
  #leaving = new AbortController();

  connectedCallback(): void {
    this.#leaving = new AbortController();
    const { signal } = this.#leaving;
    this.addEventListener(
      'submit',
      (event) => {
        const button = (event as SubmitEvent).submitter;
        if (!(button instanceof HTMLButtonElement)) return;
        event.preventDefault();
        this.#set(button);
      },
      { signal },
    );
    // Played to its end it is watched; the server noted it already.
    document.querySelector('kinora-player video')?.addEventListener(
      'ended',
      () => {
        const button = this.querySelector<HTMLButtonElement>('button[name="watched"]');
        if (button) show(button, true);
      },
      { signal },
    );
  }

  disconnectedCallback(): void {
    this.#leaving.abort();
  }

  async #set(button: HTMLButtonElement): Promise<void> {
    const isOn = button.value === '1';
    show(button, isOn);
    try {
      const answer = await fetch(`/api/v1/videos/${this.dataset.id}/marks`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ [button.name === 'favourite' ? 'isFavourite' : 'isWatched']: isOn }),
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
    } catch {
      show(button, !isOn);
      say('That could not be kept just now. Try again in a moment.');
    }
  }
}

/** `value` is what the next press makes it. */
function show(button: HTMLButtonElement, isOn: boolean): void {
  button.setAttribute('aria-pressed', String(isOn));
  button.value = isOn ? '0' : '1';
}
