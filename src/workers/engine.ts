// The little that every process with FFmpeg (node-av) needs: its errors by name. Imported in such processes only.
import { constants } from 'node:os';
import * as names from 'node-av/constants';
import { AV_LOG_QUIET } from 'node-av/constants';
import { FFmpegError, Log } from 'node-av/lib';
import type { InputFailure } from './camera-messages.ts';

// It would write to nowhere, and addresses with passwords at that.
Log.setLevel(AV_LOG_QUIET);

/** What FFmpeg refused. */
export class ReadError extends Error {
  readonly stage: InputFailure['stage'];
  readonly code: string;

  constructor(stage: InputFailure['stage'], code: string, message: string) {
    super(message);
    this.stage = stage;
    this.code = code;
  }
}

const errorNames = new Map<number, string>([
  ...Object.entries(constants.errno).map(([name, number]) => [-number, name] as const),
  ...Object.entries(names)
    .filter(([name, value]) => name.startsWith('AVERROR_') && typeof value === 'number')
    .map(([name, value]) => [value as number, name.slice('AVERROR_'.length)] as const),
]);

/** Throws where FFmpeg answered with an error; else gives back what it answered. */
export function check(answer: number, doing: string, stage: InputFailure['stage'] = 'read'): number {
  if (answer >= 0) return answer;
  throw new ReadError(
    stage,
    errorNames.get(answer) ?? 'UNKNOWN',
    `${doing}: ${FFmpegError.strerror(answer)}`,
  );
}
