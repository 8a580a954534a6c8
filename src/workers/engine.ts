// The little that every process with FFmpeg (node-av) needs: its errors by name, its records. Imported in such
// processes only.
import * as names from 'node-av/constants';
import { AV_LOG_QUIET, type AVCodecID, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { CodecParameters, FFmpegError, Log } from 'node-av/lib';
import type { MakeRecord } from './access-units.ts';
import type { InputFailure } from './camera-messages.ts';
import { errnoName, ReadError } from './read-error.ts';

export { ReadError } from './read-error.ts';

// It would write to nowhere, and addresses with passwords at that.
Log.setLevel(AV_LOG_QUIET);

const ffmpegNames = new Map<number, string>(
  Object.entries(names)
    .filter(([name, value]) => name.startsWith('AVERROR_') && typeof value === 'number')
    .map(([name, value]) => [value as number, name.slice('AVERROR_'.length)] as const),
);

/** Throws a `ReadError` where FFmpeg answered with an error; else gives back what it answered. */
export function check(answer: number, doing: string, stage: InputFailure['stage'] = 'read'): number {
  if (answer >= 0) return answer;
  const code = ffmpegNames.get(answer) ?? errnoName(-answer);
  throw new ReadError(stage, code, `${doing}: ${FFmpegError.strerror(answer)}`);
}

/** Makes decoder configuration records (avcC, hvcC) of H.264's or H.265's parameter sets. */
export function recordMaker(codecId: AVCodecID): MakeRecord {
  return (annexB) => {
    using sets = new CodecParameters();
    sets.alloc();
    sets.codecType = AVMEDIA_TYPE_VIDEO;
    sets.codecId = codecId;
    sets.extradata = annexB;
    const record = sets.getDecoderConfigurationRecord();
    // What FFmpeg cannot read it hands back as it was.
    return record && record[0] === 1 ? Buffer.from(record) : null;
  };
}
