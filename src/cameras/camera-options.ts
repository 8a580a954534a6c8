// What a camera's options become when some of them are changed, and who keeps which password.
import { AppError } from '../errors.ts';
import type { DriverOptions } from './driver.ts';
import { isSecretOption, withoutLogIn } from './secrets.ts';

/**
 * The options after a change: what is given replaces, null takes away, what is not given stays. An address given as
 * it is shown (without its log-in) keeps the log-in it had. Throws `bad-request` where a password would go with a
 * changed address unasked: who may edit a camera must not be able to send its password elsewhere.
 */
export function changedOptions(
  before: DriverOptions,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const after: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete after[name];
    else if (isShownForm(before[name], value)) after[name] = before[name];
    else after[name] = value;
  }
  const kept = Object.entries(after).filter(
    ([name, value]) =>
      typeof value === 'string' && value !== '' && value === before[name] && isSecretOption(name, value),
  );
  for (const name of ['url', 'device', 'path']) {
    if (kept.length === 0 || hostOf(before[name]) === hostOf(after[name])) continue;
    const names = kept.map(([secret]) => secret).join(', ');
    throw new AppError('bad-request', `The address of the camera is another one now: give ${names} again.`);
  }
  return after;
}

function isShownForm(before: unknown, given: unknown): boolean {
  if (typeof before !== 'string' || typeof given !== 'string' || before === given) return false;
  return (
    isSecretOption('url', before) &&
    withoutLogIn(before) === withoutLogIn(given) &&
    !isSecretOption('url', given)
  );
}

/** What a password is sent to: the origin of an address; anything else whole. */
function hostOf(value: unknown): string {
  if (typeof value !== 'string') return '';
  if (!URL.canParse(value)) return value;
  const { protocol, host } = new URL(value);
  return `${protocol}//${host}`;
}
