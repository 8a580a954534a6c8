// What a camera's process failed at, by the system's or FFmpeg's name for it.
import { constants } from 'node:os';
import type { InputFailure } from './camera-messages.ts';

export class ReadError extends Error {
  readonly stage: InputFailure['stage'];
  /** `ENOENT`, `HTTP_UNAUTHORIZED`, ... */
  readonly code: string;

  constructor(stage: InputFailure['stage'], code: string, message: string) {
    super(message);
    this.stage = stage;
    this.code = code;
  }
}

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** `ENOENT` for 2. */
export function errnoName(number: number): string {
  return names.get(number) ?? 'UNKNOWN';
}
