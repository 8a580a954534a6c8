// "My data": everything of one's own as a tar archive that is made while it is sent, and videos out of such an archive,
// or any other. One at a time for each person; both end where the person is logged out.
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { permits, type Viewer } from '../../accounts/permissions.ts';
import { exportArchive } from '../../archive/export.ts';
import { type ImportReport, importArchive } from '../../archive/import.ts';
import { AppError } from '../../errors.ts';
import { myDataPage } from '../../web/pages/my-data-page.ts';
import { noteAct } from '../audit.ts';
import { contentDisposition } from '../content-disposition.ts';
import { wantsPage } from '../errors.ts';
import { createLinger } from '../linger.ts';
import { sendPaced } from '../paced-body.ts';
import { needs, viewerOf } from '../permission.ts';
import { quotaOf } from '../quota.ts';
import { type Static, Type } from '../schema.ts';
import type { Services } from '../services.ts';
import type { PageTools } from './page-form.ts';
import { problems } from './problem-schema.ts';

/** Reports of the last import, each shown to its person until the next one, or until the program ends. */
const maxReports = 100;
/** Side by side for one person: each reads, or writes, a disk from one end to the other. */
const maxExports = 2;

const ReportBody = Type.Object({
  videos: Type.Integer({ description: 'That came in' }),
  doubles: Type.Integer({ description: 'That were here already, byte for byte' }),
  skippedCount: Type.Integer(),
  skipped: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() })),
  failure: Type.Union([Type.String(), Type.Null()], { description: 'Why it was not read to its end' }),
});

export async function myDataRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): Promise<void> {
  const { access, accounts, catalogue, clock, library, log, running } = services;
  const reports = new Map<string, ImportReport>();
  const importing = new Set<string>();
  const exporting = new Map<string, number>();

  app.get('/account/data', { config: needs('self') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const usage = await library.getUsage(viewer.personId);
    const page = myDataPage(viewOf(request), {
      usedBytes: usage.bytes,
      quotaBytes: await quotaOf(accounts, viewer),
      canAdd: permits(viewer, 'videos:add'),
      report: reports.get(viewer.personId) ?? null,
    });
    return reply.headers({ ...headers, 'cache-control': 'no-store' }).send(page);
  });

  /** The route itself asks for who is logged in; bringing in takes more than that. */
  const endWithLogOut = (reply: FastifyReply, { personId }: Viewer, isAdding: boolean, end: () => void) =>
    running.watch(
      reply,
      (viewer) => viewer?.personId === personId && (!isAdding || permits(viewer, 'videos:add')),
      end,
    );

  app.get(
    '/account/data.tar',
    {
      schema: {
        tags: ['account'],
        summary: 'Everything of one’s own as a tar archive: originals, and what is known of them as JSON',
        produces: ['application/x-tar'],
        response: problems(403, 429),
      },
      config: needs('self'),
    },
    async (request, reply) => {
      const viewer = viewerOf(request);
      const head = {
        'content-type': 'application/x-tar',
        'content-disposition': contentDisposition('attachment', `Kinora of ${viewer.name}.tar`),
        'cache-control': 'no-store',
      };
      if (request.method === 'HEAD') return reply.headers(head).send();
      const others = exporting.get(viewer.personId) ?? 0;
      if (others >= maxExports)
        throw new AppError(
          'too-many',
          'Your data are on their way already. Try again when they have arrived.',
        );
      exporting.set(viewer.personId, others + 1);
      try {
        await noteAct(services, request, 'data-exported', '');
        const sources = { library, catalogue, accounts, nowMs: clock.nowMs() };
        const chunks = exportArchive(sources, viewer, access.sight(viewer).ownerIds);
        // What is wrong from the start is still told as an error.
        const first = await chunks.next();
        reply.hijack();
        endWithLogOut(reply, viewer, false, () => reply.raw.destroy());
        reply.raw.writeHead(200, head);
        await sendPaced(reply.raw, afterFirst(first, chunks), clock);
      } catch (error) {
        if (!reply.sent) throw error;
        log.error({ err: error }, 'an archive of somebody’s data was cut short');
      } finally {
        const left = (exporting.get(viewer.personId) ?? 1) - 1;
        if (left === 0) exporting.delete(viewer.personId);
        else exporting.set(viewer.personId, left);
      }
      return reply;
    },
  );

  await app.register(async (scope) => {
    await scope.register(multipart, {
      throwFileSizeLimit: false,
      limits: { fileSize: Number.POSITIVE_INFINITY, files: 1, parts: 10, fields: 9, fieldSize: 1000 },
    });
    scope.addContentTypeParser('application/x-tar', (_request, payload, done) => done(null, payload));
    scope.post(
      '/account/data',
      {
        schema: {
          tags: ['account'],
          summary: 'Videos out of a tar archive: a form with the file `archive`, or the archive itself',
          consumes: ['multipart/form-data', 'application/x-tar'],
          response: { 200: ReportBody, ...problems(400, 403, 409) },
        },
        config: needs('self'),
        onSend: createLinger(clock),
      },
      receive,
    );
  });

  async function receive(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const viewer = viewerOf(request);
    const { personId } = viewer;
    if (!permits(viewer, 'videos:add'))
      throw new AppError('forbidden', 'You may not add videos. The owner of this Kinora can change that.');
    if (importing.has(personId))
      throw new AppError('conflict', 'An archive of yours is being read already. Wait until it is done.');
    importing.add(personId);
    const ended = new AbortController();
    endWithLogOut(reply, viewer, true, () => {
      ended.abort(new AppError('unauthorized', 'You may not go on with this any more.'));
      reply.raw.destroy();
    });
    try {
      const report = await importArchive(await archiveIn(request), {
        ...{ library, personId, nowMs: clock.nowMs(), signal: ended.signal },
        quotaBytes: await quotaOf(accounts, viewer),
      });
      await noteAct(services, request, 'data-imported', `${report.videos} videos`);
      return answer(request, reply, personId, report);
    } finally {
      importing.delete(personId);
    }
  }

  function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    personId: string,
    report: ImportReport,
  ): FastifyReply {
    reply.header('Cache-Control', 'no-store').header('Vary', 'Accept, Cookie');
    if (!wantsPage(request)) {
      const body: Static<typeof ReportBody> = {
        ...report,
        skipped: report.skipped.map((one) => ({ ...one })),
      };
      return reply.send(body);
    }
    reports.delete(personId);
    reports.set(personId, report);
    if (reports.size > maxReports) reports.delete(reports.keys().next().value!);
    return reply.redirect('/account/data#imported', 303);
  }
}

/** The bytes of the archive, in whichever way it was sent. */
async function archiveIn(request: FastifyRequest): Promise<AsyncIterable<Uint8Array>> {
  if (!request.isMultipart()) {
    if (request.body !== null && typeof request.body === 'object' && Symbol.asyncIterator in request.body)
      return request.body as AsyncIterable<Uint8Array>;
    throw new AppError(
      'bad-request',
      'Send an archive: a form with the file “archive”, or application/x-tar.',
    );
  }
  for await (const part of request.parts()) {
    if (part.type !== 'file') continue;
    if (part.fieldname !== 'archive' || (part.filename ?? '') === '') break;
    // Leaving it early must not destroy the request with it: the answer is still to come.
    return part.file.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  }
  throw new AppError('bad-request', 'No archive was chosen.');
}

async function* afterFirst(
  first: IteratorResult<Uint8Array, void>,
  rest: AsyncGenerator<Uint8Array, void>,
): AsyncGenerator<Uint8Array, void> {
  try {
    if (first.done) return;
    yield first.value;
    yield* rest;
  } finally {
    await rest.return();
  }
}
