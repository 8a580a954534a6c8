// Passkeys (WebAuthn): <kinora-passkey-log-in> and <kinora-passkey-add>. They need scripts, a page that browsers call
// secure and a host with a name; where one of these is missing nothing is shown.
import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';

const base = '/api/auth/passkey';

/** A passkey belongs to a name: a page opened by an IP address can have none (WebAuthn §5.1.2, relying party id). */
function canPasskeys(): boolean {
  const { hostname } = location;
  return browserSupportsWebAuthn() && !/^[\d.]+$/.test(hostname) && !hostname.startsWith('[');
}

/** Asks the server; its own sentence where it refuses. */
async function ask<Answer>(path: string, body?: unknown): Promise<Answer> {
  const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`${base}${path}`, {
    ...request,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer as Answer;
  throw new Error(answer?.detail ?? answer?.message ?? 'The server did not take it. Please try again.');
}

/** What went wrong in words; nothing where the person gave it up. */
function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  if (name === 'NotAllowedError' || name === 'AbortError') return '';
  if (name === 'InvalidStateError') return 'This device has a passkey for this account already.';
  return message;
}

class PasskeyLogIn extends HTMLElement {
  connectedCallback(): void {
    if (!canPasskeys()) return;
    this.hidden = false;
    this.querySelector('button')?.addEventListener('click', () => this.#logIn(false));
    // In the list that the browser offers below the name, for those who go there; quiet where nobody takes it.
    const field = document.querySelector('input[name=login]');
    field?.addEventListener('pointerdown', () => this.#offer(), { once: true });
  }

  async #offer(): Promise<void> {
    if (await browserSupportsWebAuthnAutofill()) await this.#logIn(true);
  }

  async #logIn(useBrowserAutofill: boolean): Promise<void> {
    const said = this.querySelector('p')!;
    said.textContent = '';
    try {
      const optionsJSON = await ask<Parameters<typeof startAuthentication>[0]['optionsJSON']>(
        '/generate-authenticate-options',
      );
      const response = await startAuthentication({ optionsJSON, useBrowserAutofill });
      await ask('/verify-authentication', { response });
      location.assign(this.dataset.next ?? '/');
    } catch (error) {
      if (!useBrowserAutofill) said.textContent = reasonOf(error);
    }
  }
}

class PasskeyAdd extends HTMLElement {
  connectedCallback(): void {
    if (!canPasskeys()) return;
    this.hidden = false;
    document.querySelector('.no-passkeys')?.remove();
    this.querySelector('button')?.addEventListener('click', () => this.#add());
    this.querySelector('input')?.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') void this.#add();
    });
  }

  async #add(): Promise<void> {
    const said = this.querySelector('p')!;
    said.textContent = '';
    try {
      const name = this.querySelector('input')?.value.trim() || 'Passkey';
      const optionsJSON = await ask<Parameters<typeof startRegistration>[0]['optionsJSON']>(
        `/generate-register-options?${new URLSearchParams({ name })}`,
      );
      const response = await startRegistration({ optionsJSON });
      await ask('/verify-registration', { response, name });
      location.assign('/account?done=passkey');
    } catch (error) {
      said.textContent = reasonOf(error);
    }
  }
}

customElements.define('kinora-passkey-log-in', PasskeyLogIn);
customElements.define('kinora-passkey-add', PasskeyAdd);
