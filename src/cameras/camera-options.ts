// What a camera's options become when some of them are changed, and who keeps which password.
import { AppError } from '../errors.ts';
import type { DriverOptions } from './driver.ts';
import { isSecretKey, isSecretOption, withoutLogIn } from './secrets.ts';

/**
 * The options after a change: what is given replaces, null takes away, what is not given stays. An address given as
 * it is shown (without its log-in) keeps the log-in it had, also where another path is asked for. Throws `bad-request` where a password would go with a
 * changed address unasked: who may edit a camera must not be able to send its password elsewhere.
 */
export function changedOptions(
  before: DriverOptions,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const after: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete after[name];
    else after[name] = withLogInOf(before[name], value);
  }
  const kept = Object.entries(after).filter(
    ([name, value]) =>
      typeof value === 'string' && value !== '' && value === before[name] && isSecretOption(name, value),
  );
  for (const name of ['url', 'device', 'path']) {
    if (kept.length === 0 || originOf(before[name]) === originOf(after[name])) continue;
    const names = kept.map(([secret]) => secret).join(', ');
    throw new AppError('bad-request', `The address of the camera is another one now: give ${names} again.`);
  }
  return after;
}

/** A given address with the log-in of the one before, where it has none of its own and leads to the same place. */
function withLogInOf(before: unknown, given: unknown): unknown {
  if (typeof before !== 'string' || typeof given !== 'string' || before === given) return given;
  const hasLogIn = URL.canParse(before) && isSecretOption('url', before);
  if (!hasLogIn || !URL.canParse(given) || isSecretOption('url', given)) return given;
  if (originOf(before) !== originOf(given)) return given;
  if (withoutLogIn(before) === withoutLogIn(given)) return before;
  const [from, to] = [new URL(before), new URL(given)];
  to.username = from.username;
  to.password = from.password;
  for (const [key, value] of from.searchParams) if (isSecretKey(key)) to.searchParams.append(key, value);
  return to.href;
}

/** What a password is sent to: the origin of an address; anything else whole. */
function originOf(value: unknown): string {
  if (typeof value !== 'string') return '';
  if (!URL.canParse(value)) return value;
  const { protocol, host } = new URL(value);
  return `${protocol}//${host}`;
}
