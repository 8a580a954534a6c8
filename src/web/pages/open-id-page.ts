// The other log-in (an OpenID provider) on one's account's page: connecting it, and the step that leads there.
import { html } from 'ghtml';
import { type FormError, formProblem, textField } from '../form-fields.ts';
import { layout } from '../layout.ts';
import type { View } from '../view.ts';

/** The part of the account's page. `name` is the provider's. */
export function openIdSection(name: string, hasPassword: boolean, error: FormError | null): string {
  const password = {
    ...{
      name: 'password',
      id: 'openid-password',
      label: 'Password',
      type: 'password' as const,
      maxLength: 1000,
    },
    autocomplete: 'current-password',
  };
  return html`<section aria-labelledby="openid-title"><h2 id="openid-title">Log-in with ${name}</h2>
<p class="hint">Connect it once, and from then on ${name} logs you in here as well.</p>
<details class="unfold"!${error ? ' open' : ''}><summary class="button">Connect ${name}</summary>!${formProblem(error, ['password'])}
<form class="fields" method="post" action="/account/openid">!${hasPassword ? textField(password, error) : ''}
<div class="buttons"><button class="button primary">Go on</button></div></form></details></section>`;
}

/** A link and not a redirect: a form of ours may not end elsewhere (`form-action` of the policy). */
export function openIdStepPage(view: View, { name, location }: { name: string; location: string }): string {
  const title = `On to ${name}`;
  const main = html`<section class="door"><h1>${title}</h1>
<p class="lead">Log in there, and your account here is connected with it.</p>
<div class="buttons"><a class="button primary" href="${location}" rel="noreferrer">Go on to ${name}</a> <a class="button" href="/account">Rather not</a></div></section>`;
  return layout(view, { title, place: null, search: null, main });
}
