// The pages that add, edit, try out and remove a camera. Plain forms: what was sent wrong comes back with the reason
// and without its passwords, what was right answers 303.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CameraSetup } from '../../cameras/cameras.ts';
import { AppError, errorStatus, isAppError } from '../../errors.ts';
import { type CameraKind, cameraKind, idOfName, optionsOfForm } from '../../web/camera-fields.ts';
import {
  addCameraPage,
  type CameraForm,
  cameraFormPage,
  cameraModesFrame,
  cameraTestFrame,
} from '../../web/pages/camera-form-page.ts';
import type { View } from '../../web/view.ts';
import { noteAct } from '../audit.ts';
import { needs } from '../permission.ts';
import type { Services } from '../services.ts';
import type { ById, PageTools, Query } from './page-form.ts';
import { pictureUrl } from './picture-url.ts';
import { untilGone } from './until-gone.ts';

/** Longest value of a link that fills a field. */
const maxValueChars = 500;

/** Into the scope of the pages, which reads forms and refuses those of other sites. */
export function cameraPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { cameras } = services;
  const config = needs('cameras:manage');
  // The frame with what trying out came to is our own; nothing of a form is to be kept by anybody.
  const policy = `${headers['content-security-policy']}; frame-src 'self'`;
  const formHeaders = { ...headers, 'content-security-policy': policy, 'cache-control': 'no-store' };
  const sendForm = (request: FastifyRequest, reply: FastifyReply, form: CameraForm) =>
    reply.headers(formHeaders).send(cameraFormPage(viewOf(request), form));
  /** The page again, with the reason; what is no fault of the form goes on as an error. */
  const sendAgain = (request: FastifyRequest, reply: FastifyReply, error: unknown, form: CameraForm) => {
    if (!isAppError(error)) throw error;
    reply.code(errorStatus[error.kind]);
    return sendForm(request, reply, { ...form, error: error.message });
  };
  const setupOf = (id: string): CameraSetup => {
    if (!cameras.get(id)) throw new AppError('not-found', 'There is no such camera here.');
    const setup = cameras.setup(id);
    if (!setup)
      throw new AppError('conflict', 'This camera stands in the settings and can only be changed there.');
    return setup;
  };

  app.get<Query>('/cameras/add', { config }, async (request, reply) => {
    const { query } = request;
    if (query.driver === undefined) {
      const found =
        query.find === undefined ? null : await untilGone(request, (signal) => cameras.discover(signal));
      return reply.headers(formHeaders).send(addCameraPage(viewOf(request), found));
    }
    const kind = kindOf(one(query.driver));
    const names = ['name', ...kind.fields.filter((field) => field.kind !== 'secret').map(({ name }) => name)];
    const values = Object.fromEntries(names.map((name) => [name, one(query[name]).slice(0, maxValueChars)]));
    return sendForm(request, reply, { kind, values, secrets: [], error: null, editing: null });
  });

  app.post('/cameras/add', { config }, async (request, reply) => {
    const form = formOf(request);
    const kind = kindOf(form.get('driver') ?? '');
    const name = (form.get('name') ?? '').trim();
    try {
      const isTaken = (id: string) => cameras.get(id) !== null || reservedIds.includes(id);
      const id = idOfName(name, isTaken);
      const options = optionsOfForm(kind, form, false);
      const camera = await cameras.add({ id, name, driver: kind.driver, options });
      await noteAct(services, request, 'camera-added', camera.name);
      return reply.redirect(`/cameras/${encodeURIComponent(camera.id)}`, 303);
    } catch (error) {
      const sent = { kind, values: valuesOf(kind, form), secrets: [], error: null, editing: null };
      return sendAgain(request, reply, error, sent);
    }
  });

  app.get<ById>('/cameras/:id/edit', { config }, async (request, reply) => {
    const setup = setupOf(request.params.id);
    return sendForm(request, reply, editForm(setup));
  });

  app.post<ById>('/cameras/:id/edit', { config }, async (request, reply) => {
    const { id } = request.params;
    const setup = setupOf(id);
    const form = formOf(request);
    const before = editForm(setup);
    try {
      const options = optionsOfForm(before.kind, form, true);
      const { name } = await cameras.edit(id, { name: (form.get('name') ?? '').trim(), options });
      await noteAct(services, request, 'camera-changed', name);
      return reply.redirect(`/cameras/${encodeURIComponent(id)}`, 303);
    } catch (error) {
      return sendAgain(request, reply, error, { ...before, values: valuesOf(before.kind, form) });
    }
  });

  app.post<ById>('/cameras/:id/remove', { config }, async (request, reply) => {
    const { id, name } = setupOf(request.params.id);
    await cameras.remove(id);
    await noteAct(services, request, 'camera-removed', name);
    return reply.redirect('/cameras', 303);
  });

  // The frame before anything was tried. Two names deep, so that a camera called `test` keeps its page.
  app.get('/cameras/add/tried', { config }, async (request, reply) =>
    reply.headers(formHeaders).send(cameraTestFrame(viewOf(request), null, null)),
  );

  app.post('/cameras/add/tried', { config }, async (request, reply) => {
    const form = formOf(request);
    const kind = kindOf(form.get('driver') ?? '');
    const likeId = form.get('likeId') || undefined;
    const view = viewOf(request);
    reply.headers(formHeaders);
    try {
      const candidate = {
        driver: kind.driver,
        likeId,
        options: optionsOfForm(kind, form, likeId !== undefined),
      };
      const tested = await untilGone(request, (signal) => cameras.test(candidate, signal));
      return reply.send(cameraTestFrame(view, tested, pictureUrl(tested.picture)));
    } catch (error) {
      return sendFailure(reply, view, error);
    }
  });

  app.post('/cameras/add/modes', { config }, async (request, reply) => {
    const device = formOf(request).get('device')?.trim() || '/dev/video0';
    const view = viewOf(request);
    reply.headers(formHeaders);
    try {
      const modes = await untilGone(request, (signal) => cameras.deviceModes(device, signal));
      return reply.send(cameraModesFrame(view, device, modes));
    } catch (error) {
      return sendFailure(reply, view, error);
    }
  });
}

/** In the frame: why it came to nothing. */
function sendFailure(reply: FastifyReply, view: View, error: unknown): FastifyReply {
  if (!isAppError(error)) throw error;
  const failed = { ok: false, message: error.message, picture: null, kinds: noKinds };
  return reply.code(errorStatus[error.kind]).send(cameraTestFrame(view, failed, null));
}

const noKinds = { pictures: false, video: null, sound: null, width: null, height: null } as const;

/** A camera of this name gets a number: its page would be hidden (`createCameras` refuses these ids). */
const reservedIds = ['add', 'discover'];

function kindOf(driver: string): CameraKind {
  const kind = cameraKind(driver);
  if (!kind) throw new AppError('bad-request', 'There is no such kind of camera.');
  return kind;
}

function editForm(setup: CameraSetup): CameraForm {
  const { id, name, driver, options, secrets } = setup;
  const kind = cameraKind(driver);
  if (!kind)
    throw new AppError('conflict', `Cameras with the driver ${driver} can be changed over the API only.`);
  const values = Object.fromEntries(
    kind.fields.flatMap((field) =>
      options[field.name] === undefined ? [] : [[field.name, String(options[field.name])]],
    ),
  );
  return { kind, values: { ...values, name }, secrets, error: null, editing: { id, name } };
}

/** What was sent, to be shown again: everything but what is secret. */
function valuesOf(kind: CameraKind, form: URLSearchParams): Record<string, string> {
  const names = ['name', ...kind.fields.filter((field) => field.kind !== 'secret').map(({ name }) => name)];
  return Object.fromEntries(names.map((name) => [name, form.get(name) ?? '']));
}

function formOf(request: FastifyRequest): URLSearchParams {
  if (request.body instanceof URLSearchParams) return request.body;
  throw new AppError('bad-request', 'This takes a form.');
}

function one(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
