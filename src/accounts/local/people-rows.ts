// Which names and log-ins there can be, and people by what they type at the log-in.
import { AppError } from '../../errors.ts';
import type { Person } from '../accounts.ts';
import type { PeopleData } from './account-data.ts';

/** RFC 2606 §2: no mail ever goes there. The address of people who have only a user name is ID@ this. */
const noMailDomain = 'user-name.invalid';
/** An address that is nobody's, for log-ins that cannot be anybody's. */
export const nobody = `nobody@${noMailDomain}`;

/** As better-auth checks it (zod's `email`), and no longer than SMTP allows (RFC 5321 §4.5.3.1.3). */
const emailForm =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;
const userNameForm = /^[a-z0-9._-]{3,30}$/;

export type Login =
  | { readonly email: string; readonly userName: null }
  | { readonly email: null; readonly userName: string };

/** What was typed as an address or a user name, lower case. Throws `bad-request`. */
export function parseLogin(text: string): Login {
  const login = text.trim().toLowerCase();
  if (login.includes('@')) {
    if (login.length > 254 || !emailForm.test(login) || login.endsWith('.invalid'))
      throw new AppError(
        'bad-request',
        'This is not an e-mail address. Type it again, or take a user name without @.',
      );
    return { email: login, userName: null };
  }
  if (!userNameForm.test(login))
    throw new AppError(
      'bad-request',
      'A user name has 3 to 30 letters (a to z), digits, dots, hyphens or underscores.',
    );
  return { email: null, userName: login };
}

/** What a person is called, tidied. Throws `bad-request`. */
export function parseName(text: string): string {
  const name = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  // Joiners and variation selectors are part of words and emoji; a name of nothing else cannot be seen.
  const isSeen = name.replace(/[\s\p{Default_Ignorable_Code_Point}]/gu, '') !== '';
  if (!isSeen || [...name].length > 80 || /[\p{Cc}\p{Bidi_Control}]/u.test(name))
    throw new AppError('bad-request', 'Type a name of 1 to 80 characters.');
  return name;
}

/** By e-mail address or user name, case aside; null for nobody. */
export async function findPerson(people: Pick<PeopleData, 'find'>, login: string): Promise<Person | null> {
  const text = login.trim().toLowerCase();
  if (text.length > 254 || isStandIn(text)) return null;
  return people.find(text.includes('@') ? 'email' : 'userName', text);
}

/** The address that better-auth knows somebody by. */
export function engineAddress({ id, email }: Pick<Person, 'id' | 'email'>): string {
  return email ?? `${id}@${noMailDomain}`;
}

/** Whether an address only stands in for one. */
export function isStandIn(email: string): boolean {
  return email.endsWith('.invalid');
}
