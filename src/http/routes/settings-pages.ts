// The settings page: how it looks, for everybody; the store and the door, for owners.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { permits } from '../../accounts/permissions.ts';
import { version } from '../../version.ts';
import { type Door, settingsPage } from '../../web/pages/settings-page.ts';
import { qrCode } from '../../web/qr-code.ts';
import { themeCookieFor, themes, tvCookieFor } from '../../web/view.ts';
import { houseAddresses } from '../house-addresses.ts';
import { needs, viewerOf } from '../permission.ts';
import type { Services } from '../services.ts';
import { formOf, type PageTools } from './page-form.ts';

/** Into the scope of the pages, which reads forms and refuses those of other sites. */
export function settingsPageRoutes(
  app: FastifyInstance,
  services: Services,
  { viewOf, headers }: PageTools,
): void {
  const { accounts, catalogue, config, library } = services;

  app.get('/settings', { config: needs('self') }, async (request, reply) => {
    const viewer = viewerOf(request);
    const isHouses = permits(viewer, 'settings:manage');
    const page = settingsPage(viewOf(request), {
      version,
      videoCount: isHouses ? await catalogue.countVideos() : (await library.getUsage(viewer.personId)).videos,
      room: isHouses ? await services.blobs.room() : null,
      reserveBytes: config.data.reserveBytes,
      door: isHouses ? await doorOf(request) : null,
    });
    return reply.headers(headers).send(page);
  });
  const doorOf = async (request: FastifyRequest): Promise<Door> => {
    const { mode, signUp } = config.auth;
    const addresses = houseAddresses(request, config);
    const [main] = addresses;
    return {
      ...{ mode, signUp, addresses },
      people: mode === 'none' ? 0 : (await accounts.listPeople()).length,
      qr: main === undefined ? null : await qrCode(main, `Opens ${main}`),
    };
  };
  app.post('/settings', { config: needs('self') }, async (request, reply) => {
    const form = formOf(request);
    const theme = themes.find((candidate) => candidate === form.get('theme'));
    if (theme) reply.header('set-cookie', themeCookieFor(theme));
    const tv = form.get('tv');
    if (tv) reply.header('set-cookie', tvCookieFor(tv === '1'));
    return reply.redirect('/settings', 303);
  });
}
