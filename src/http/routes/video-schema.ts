// The JSON form of a video on the wire, as a schema (checks, OpenAPI) and as a function.

import type { Video as StoredVideo } from '../../catalogue/catalogue.ts';
import { codecs } from '../../media/track.ts';
import { type Static, Type } from '../schema.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

/** What stands in an address; whether it is one of ours is asked of what it names. */
export const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

/** A folder that something goes into: null, or nothing, for the top. */
export const FolderId = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  maxLength: 64,
  description: 'null for the top',
});

const Track = Type.Object({
  number: Type.Integer({ description: 'As in the file' }),
  kind: Type.Union([Type.Literal('video'), Type.Literal('audio'), Type.Literal('subtitle')]),
  codec: Type.String({ description: codecs.join(', ') }),
  codecName: Type.String({ description: 'As the file names it' }),
  codecString: nullable(Type.String({ description: 'RFC 6381' })),
  language: Type.String({ description: 'BCP 47; `und` where unknown' }),
  name: Type.String(),
  width: Type.Integer(),
  height: Type.Integer(),
  channels: Type.Integer(),
  sampleRate: Type.Number(),
  obstacle: nullable(Type.String({ description: 'Why it is left out of the playable view' })),
});

export const VideoBody = Type.Object({
  id: Type.String(),
  ownerId: Type.String({ description: 'The person it belongs to; `household` for nobody in particular' }),
  folderId: nullable(Type.String({ description: 'Where it lies; null at the top' })),
  title: Type.String(),
  fileName: Type.String({ description: 'The name it came with' }),
  url: Type.String({ description: 'Its page' }),
  status: Type.Union([
    Type.Literal('arriving'),
    Type.Literal('ready'),
    Type.Literal('converting'),
    Type.Literal('unplayable'),
  ]),
  reason: nullable(Type.String({ description: 'Why it cannot be shown, or what is missing' })),
  sizeBytes: nullable(Type.Integer({ description: 'null while arriving with no size announced' })),
  receivedBytes: Type.Integer(),
  durationMs: nullable(Type.Number()),
  container: nullable(Type.String()),
  tracks: Type.Array(Track),
  playback: Type.Object({
    viewType: nullable(Type.String({ description: 'Media type of video.mp4' })),
    originalType: nullable(Type.String({ description: 'Media type of the original where browsers take it' })),
  }),
  addedAt: Type.String({ format: 'date-time' }),
  binnedAt: nullable(Type.String({ format: 'date-time' })),
});

export function videoBody(video: StoredVideo): Static<typeof VideoBody> {
  return {
    id: video.id,
    ownerId: video.ownerId,
    folderId: video.folderId,
    title: video.title,
    fileName: video.fileName,
    url: `/videos/${video.id}`,
    status: video.status,
    reason: video.reason,
    sizeBytes: video.sizeBytes,
    receivedBytes: video.receivedBytes,
    durationMs: video.durationMs,
    container: video.container,
    tracks: video.tracks.map((track) => ({ ...track })),
    playback: video.playback,
    addedAt: new Date(video.addedAtMs).toISOString(),
    binnedAt: video.binnedAtMs === null ? null : new Date(video.binnedAtMs).toISOString(),
  };
}

/** The columns of the CSV listing, in order. */
export const csvColumns = [
  'id',
  'title',
  'fileName',
  'status',
  'sizeBytes',
  'durationMs',
  'container',
  'addedAt',
] as const;

/** One line of RFC 4180 CSV; a text that a spreadsheet would run as a formula gets an apostrophe in front. */
export function csvLine(values: readonly (string | number | null)[]): string {
  const fields = values.map((value) => {
    if (typeof value !== 'string') return value === null ? '' : String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  });
  return `${fields.join(',')}\r\n`;
}
