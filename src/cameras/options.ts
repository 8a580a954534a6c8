// Checks of a driver's options, each failure one sentence that names the option, what it got and what it takes.
import { AppError } from '../errors.ts';
import type { DriverOptions } from './driver.ts';

/** What a wrong value looks like in a message: short, and nothing of objects. */
function shown(value: unknown): string {
  return typeof value === 'string'
    ? `“${value.slice(0, 60)}”`
    : typeof value === 'object'
      ? 'a table'
      : String(value);
}

/** Throws `bad-request` where an option has a name the driver does not know. */
export function checkNames(driver: string, options: DriverOptions, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      const taken = known.length > 0 ? `it takes ${known.join(', ')}` : 'it takes none';
      throw new AppError(
        'bad-request',
        `The camera driver ${driver} has no option ${shown(name)}; ${taken}.`,
      );
    }
  }
}

/** The option as a number of `min`..`max`, or `otherwise` where it is not given. Throws `bad-request`. */
export function numberOption(
  options: DriverOptions,
  name: string,
  { min, max, otherwise }: { min: number; max: number; otherwise: number },
): number {
  const value = options[name];
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw new AppError(
      'bad-request',
      `The option ${name} is ${shown(value)}; it takes a number from ${min} to ${max}.`,
    );
  }
  return value;
}

/** The option as text, or null where it is not given or empty. `isSecret` keeps its value out of the error. Throws `bad-request`. */
export function textOption(options: DriverOptions, name: string, isSecret = false): string | null {
  const value = options[name];
  if (value === undefined || value === '') return null;
  if (typeof value !== 'string' || value.length > 2048 || value.includes('\0')) {
    const got = isSecret ? 'something else' : shown(value);
    throw new AppError(
      'bad-request',
      `The option ${name} is ${got}; it takes a text of at most 2048 characters.`,
    );
  }
  return value;
}

/** The option as one of `choices`, the first where it is not given. Throws `bad-request`. */
export function choiceOption<const Choice extends string>(
  options: DriverOptions,
  name: string,
  choices: readonly [Choice, ...Choice[]],
): Choice {
  const value = options[name];
  if (value === undefined || value === '') return choices[0];
  const found = choices.find((choice) => choice === value);
  if (found === undefined) {
    throw new AppError(
      'bad-request',
      `The option ${name} is ${shown(value)}; it takes ${choices.join(' or ')}.`,
    );
  }
  return found;
}

/** The option as yes or no, also as the text a form sends. Throws `bad-request`. */
export function flagOption(options: DriverOptions, name: string, otherwise: boolean): boolean {
  const value = options[name];
  if (value === undefined || value === '') return otherwise;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw new AppError('bad-request', `The option ${name} is ${shown(value)}; it takes true or false.`);
}
