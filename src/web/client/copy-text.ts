// <kinora-copy-text>: a button that copies what stands in the field beside it.
import { copyText } from './copy-link.ts';
import { say } from './say.ts';

export class KinoraCopyText extends HTMLElement {
  connectedCallback(): void {
    const button = this.querySelector('button');
    if (!button) return;
    button.hidden = false;
    button.addEventListener('click', () => this.#copy());
  }

  async #copy(): Promise<void> {
    const field = this.querySelector('input');
    if (!field) return;
    if (await copyText(field.value)) say('Copied.');
    else field.select();
  }
}
