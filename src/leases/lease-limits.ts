// What a lease's name and note may be: checked before they go to a store.
import { AppError } from '../errors.ts';

const maxNameLength = 200;
const maxNoteBytes = 16 * 1024;

/** Throws `bad-request` where it is no name of a lease. */
export function checkName(name: string): void {
  if (typeof name !== 'string' || name === '' || name.length > maxNameLength)
    throw new AppError('bad-request', `A lease's name has between 1 and ${maxNameLength} characters.`);
}

/** The note as it is kept. Throws `bad-request` where it is too long or no JSON. */
export function noteJson(note: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(note);
  if (json === undefined || Buffer.byteLength(json) > maxNoteBytes)
    throw new AppError('bad-request', `A lease's note is JSON of at most ${maxNoteBytes} bytes.`);
  return json;
}
