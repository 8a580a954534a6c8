// POST /upload: videos by a form, with scripts or without, several at once. Bytes go from the socket to the
// library with back-pressure and are never held; memory per upload is a few chunks.
import multipart, { type MultipartFile } from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Video } from '../../catalogue/catalogue.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Library } from '../../library/library.ts';
import { noteAct } from '../audit.ts';
import { wantsPage } from '../errors.ts';
import { createLinger } from '../linger.ts';
import { needs, viewerOf } from '../permission.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import { type UploadPlace, uploadPlace } from '../upload-place.ts';
import { problems } from './problem-schema.ts';

/** What a program is answered with. `refused` is there only where something was. */
type UploadAnswer = {
  readonly videos: readonly (Pick<Video, 'id' | 'title' | 'status'> & { readonly url: string })[];
  readonly refused?: readonly Refusal[];
};
type Refusal = { readonly fileName: string; readonly reason: string };

/** What became of a form. */
type Received = { readonly videos: Video[]; readonly refused: (Refusal & { readonly error: AppError })[] };

/** After a refusal this much of the file is read past, to get to the next; more is not worth anybody's time. */
const skipBytes = 8 * 1024 * 1024;

/** What a form may have around its files: a form whose files do not fit by more than this is refused unread. */
const formBytes = 1_000_000;

/** For clients that cannot send the fields before the files. */
const PlaceQuery = Type.Object({
  folder: Type.Optional(Type.String({ maxLength: 64, description: 'The id of the folder it goes into' })),
  share: Type.Optional(Type.String({ maxLength: 20, description: '`household` shares it at once' })),
});
type WithPlace = { Querystring: Static<typeof PlaceQuery> };

/** Files in one form: a browser can send a folder of a few thousand. */
const maxFiles = 10_000;

export async function uploadRoutes(app: FastifyInstance, services: Services): Promise<void> {
  await app.register(multipart, {
    throwFileSizeLimit: false,
    limits: {
      fileSize: Number.POSITIVE_INFINITY,
      files: maxFiles,
      parts: maxFiles + 100,
      fields: 100,
      fieldSize: 10_000,
    },
  });
  const schema = {
    tags: ['uploads'],
    summary: 'Videos as a form, in one or more fields named `file`; 201 with `Accept: application/json`',
    description:
      'The fields `folder` (an id) and `share` (`household`) stand before the files in the form, or in the query.',
    consumes: ['multipart/form-data'],
    querystring: PlaceQuery,
    response: problems(400, 403, 404, 413, 415, 507),
  };
  /** Before a byte of the form is asked for. */
  const onRequest = async (request: FastifyRequest): Promise<void> => {
    const { ownerId, quotaBytes } = await uploadPlace(services, viewerOf(request), {});
    const sizeBytes = Number(request.headers['content-length'] ?? 0) - formBytes;
    if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0)
      await services.library.assertQuota({ ownerId, quotaBytes, sizeBytes });
  };
  const options = {
    ...{ schema, onRequest, config: needs('videos:add'), onSend: createLinger(services.clock) },
  };
  app.post<WithPlace>('/upload', options, async (request, reply) => {
    const { personId } = viewerOf(request);
    services.running.watch(
      reply,
      (viewer) => viewer?.personId === personId,
      () => reply.raw.destroy(),
    );
    if (!request.isMultipart()) {
      throw new AppError(
        'bad-request',
        'Videos are sent as a form (multipart/form-data) with a field named "file".',
      );
    }
    const received = await receive(request, services).catch((error: unknown) => {
      throw isOfTheForm(error)
        ? new AppError('bad-request', 'The form is damaged, or ends before its time.', { cause: error })
        : error;
    });
    const [first] = received.refused;
    if (received.videos.length === 0) {
      throw first ? refusalOfAll(received, first.error) : new AppError('bad-request', 'No file was chosen.');
    }
    return answer(request, reply, received);
  });
}

/** What the reader of forms throws, by its own words: it has no kinds of errors. */
function isOfTheForm(error: unknown): boolean {
  const words = /^(Unexpected end of (form|file|multipart data)|Malformed part header|Part terminated early)/;
  return error instanceof Error && words.test(error.message);
}

function refusalOfAll({ refused }: Received, first: AppError): AppError {
  if (refused.length === 1) return first;
  const reasons = refused.map(({ fileName, reason }) => `${shown(fileName)}: ${reason}`).join(' ');
  return new AppError(first.kind, reasons.slice(0, 2000), { cause: first });
}

/** A name inside a sentence. The page escapes it like any other text. */
function shown(fileName: string): string {
  return fileName.length > 80 ? `${fileName.slice(0, 60)}…${fileName.slice(-15)}` : fileName;
}

function answer(request: FastifyRequest, reply: FastifyReply, { videos, refused }: Received): FastifyReply {
  reply.header('Cache-Control', 'no-store').header('Vary', 'Accept');
  if (wantsPage(request) && !(request.headers.accept ?? '').includes('application/json')) {
    const only = videos.length === 1 && refused.length === 0 ? videos[0] : undefined;
    return reply.redirect(only ? `/videos/${only.id}` : '/videos', 303);
  }
  const body: UploadAnswer = {
    videos: videos.map(({ id, title, status }) => ({ id, title, url: `/videos/${id}`, status })),
    ...(refused.length > 0 && { refused: refused.map(({ fileName, reason }) => ({ fileName, reason })) }),
  };
  return reply.code(201).send(body);
}

/** Takes every file of the form. Throws only where the form itself cannot be read to its end. */
async function receive(request: FastifyRequest<WithPlace>, services: Services): Promise<Received> {
  const { library, metrics } = services;
  const viewer = viewerOf(request);
  const wanted = { folder: request.query.folder, share: request.query.share };
  const received: Received = { videos: [], refused: [] };
  for await (const part of request.parts({ preservePath: true } as object)) {
    if (part.type !== 'file') {
      if (part.fieldname !== 'folder' && part.fieldname !== 'share') continue;
      wanted[part.fieldname] = String(part.value);
      continue;
    }
    // A form with nothing chosen sends one part without a name and without bytes.
    const isFile = part.fieldname === 'file' && (part.filename ?? '') !== '';
    if (!isFile) {
      if (!(await skip(part, skipBytes))) break;
      continue;
    }
    try {
      const place = await uploadPlace(services, viewer, wanted);
      const video = await receiveOne(part, library, place);
      received.videos.push(video);
      metrics.arrived(video.status);
      await noteAct(services, request, 'video-added', video.title);
    } catch (error) {
      if (!isAppError(error)) throw error;
      const refusal = { fileName: fileNameOf(part), reason: error.message, error };
      if (await skip(part, skipBytes)) {
        received.refused.push(refusal);
        continue;
      }
      received.refused.push({
        ...refusal,
        reason: `${error.message} What came after it in the form was not read.`,
      });
      break;
    }
  }
  return received;
}

/** One file of the form into the library. Whatever stops it, nothing of it is left. */
async function receiveOne(part: MultipartFile, library: Library, place: UploadPlace): Promise<Video> {
  const arrival = await library.beginArrival({
    ...place,
    fileName: fileNameOf(part),
    sizeBytes: null,
    uploadMetadata: null,
  });
  try {
    // Read by hand: leaving a `for await` would destroy the stream, and with it the rest of the form.
    for await (const chunk of part.file.iterator({ destroyOnReturn: false }))
      await arrival.write(chunk as Uint8Array);
    return await arrival.finish();
  } catch (error) {
    await arrival.cancel();
    throw error;
  }
}

/** How forms write what would end a name (HTML Standard, "multipart/form-data encoding algorithm"). */
const escapes = new Map([
  ['%22', '"'],
  ['%0d', '\r'],
  ['%0a', '\n'],
]);

/** The name as the person's disk has it. */
function fileNameOf(part: MultipartFile): string {
  return (part.filename ?? '').replace(/%22|%0d|%0a/gi, (written) => escapes.get(written.toLowerCase())!);
}

/** Reads past the rest of a file; false when it is longer than `limitBytes`. */
async function skip(part: MultipartFile, limitBytes: number): Promise<boolean> {
  let skippedBytes = 0;
  for await (const chunk of part.file.iterator({ destroyOnReturn: false })) {
    skippedBytes += (chunk as Uint8Array).length;
    if (skippedBytes > limitBytes) return false;
  }
  return true;
}
