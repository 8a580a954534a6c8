// The roles and what a token may, in words for people. `accounts/permissions.ts` says what each of them is.
import type { Permission, Role } from '../accounts/permissions.ts';

type Words = {
  readonly name: string;
  /** What such a person may, said about them. */
  readonly about: string;
  /** The same said to them, after “You are invited as”. */
  readonly invited: string;
};

export const roleWords: Readonly<Record<Role, Words>> = {
  owner: {
    name: 'Owner',
    about: 'Decides about people, cameras and settings. Other people’s private videos stay private.',
    invited: 'an owner: you decide about people, cameras and settings.',
  },
  member: {
    name: 'Member',
    about: 'Uploads and shares videos, and watches what is shared with the household.',
    invited: 'a member: you upload and share videos, and watch what is shared with the household.',
  },
  guest: {
    name: 'Guest',
    about: 'Watches what is shared with the household, and uploads nothing.',
    invited: 'a guest: you watch what is shared with the household.',
  },
  child: {
    name: 'Child',
    about: 'Sees only what was shared with them by name, and uploads. Shares and deletes nothing.',
    invited: 'a child: you upload videos, and watch what was shared with you by name.',
  },
};

/** The sentence after “may”. */
export const scopeWords: Readonly<Record<Permission, string>> = {
  'videos:watch': 'See and play videos',
  'videos:add': 'Upload videos',
  'videos:edit': 'Name and sort videos',
  'videos:share': 'Share videos',
  'videos:delete': 'Delete videos',
  'cameras:watch': 'See cameras',
  'cameras:manage': 'Add and change cameras',
  'people:manage': 'Manage people',
  'settings:manage': 'Change settings',
  'audit:read': 'Read what was done',
  'metrics:read': 'Read metrics',
  self: 'Manage the account',
};
