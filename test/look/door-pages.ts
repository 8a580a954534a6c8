// The pages of people, each in the states that matter, for the look and for what is held of every page.
import type { Role } from '../../src/accounts/permissions.ts';
import type { FakeDoor } from '../helpers/fake-door.ts';

export type DoorPage = {
  readonly name: string;
  /** `first`: nobody, where there are no accounts yet. */
  readonly who: Role | 'nobody' | 'first';
  path(door: FakeDoor): string;
  readonly status?: number;
};

const page = (
  name: string,
  who: DoorPage['who'],
  path: DoorPage['path'] | string,
  status = 200,
): DoorPage => ({
  ...{ name, who, status },
  path: typeof path === 'string' ? () => path : path,
});

export const doorPages: readonly DoorPage[] = [
  page('log-in', 'nobody', '/login'),
  page('log-in-after-reset', 'nobody', '/login?after=reset'),
  page('second-factor', 'nobody', '/login/code'),
  page('sign-up-first', 'first', '/sign-up'),
  page('sign-up-invited', 'nobody', (door) => `/sign-up?invite=${door.inviteSecret}`),
  page('sign-up-not', 'nobody', '/sign-up', 403),
  page('sign-up-over', 'nobody', '/sign-up?invite=over', 410),
  page('television', 'nobody', '/login/tv'),
  page('forgot', 'nobody', '/forgot'),
  page('reset', 'nobody', (door) => `/reset?token=${door.resetToken}`),
  page('reset-over', 'nobody', '/reset'),
  page('television-code', 'child', '/tv'),
  page('television-asks', 'owner', (door) => `/tv?code=${door.userCode}`),
  page('television-wrong', 'owner', '/tv?code=NOTHING', 404),
  page('account', 'owner', '/account'),
  page('account-guest', 'guest', '/account?done=name'),
  page('tokens', 'owner', '/account/tokens'),
  page('my-data', 'member', '/account/data'),
  page('account-remove', 'member', '/account/remove'),
  page('people', 'owner', '/people'),
  page('person', 'owner', ({ site }) => `/people/${site.services.accounts.ids.member}`),
  page('person-hostile', 'owner', ({ hostileIds }) => `/people/${hostileIds[3]}`),
  page('person-self', 'owner', ({ site }) => `/people/${site.services.accounts.ids.owner}`),
  page('invite', 'owner', '/people/invite'),
  page('audit', 'owner', '/audit'),
  page('audit-nothing', 'owner', '/audit?kind=settings'),
  page('settings-owner', 'owner', '/settings'),
  page('settings-child', 'child', '/settings'),
  page('home-child', 'child', '/'),
  page('video-own', 'owner', ({ site }) => `/videos/${site.services.videos[4]!.id}`),
  page('video-others', 'member', ({ site }) => `/videos/${site.services.videos[4]!.id}`),
  page('share-video', 'owner', ({ site }) => `/videos/${site.services.videos[4]!.id}/share`),
  page('share-camera', 'owner', '/cameras/garden/share'),
  page('videos-member', 'member', '/videos'),
  page('videos-select-owner', 'owner', '/videos?select'),
  page('upload-member', 'member', '/upload'),
  page('home-member', 'member', '/'),
  page('error-guest', 'guest', '/nowhere', 404),
];
