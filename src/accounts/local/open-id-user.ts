// What an OpenID provider says of somebody (OpenID Connect Core 1.0 §5.1), in our terms. All of it is a stranger's text.
import { createHash } from 'node:crypto';
import { isAppError } from '../../errors.ts';
import { parseLogin, parseName } from './people-rows.ts';

/** The provider's name in better-auth's addresses and table. */
export const openIdProvider = 'openid';

/** Stands in for an address where the provider says none that can be one; never shown (`people-rows.ts`). */
const noAddress = 'user-name.invalid';

export function openIdUser(profile: Readonly<Record<string, unknown>>) {
  const { email, email_verified: isVerified } = profile;
  const address = typeof email === 'string' ? addressIn(email) : null;
  const standIn = createHash('sha256').update(String(profile.sub)).digest('hex').slice(0, 32);
  return {
    name: nameIn(profile),
    email: address ?? `${standIn}@${noAddress}`,
    emailVerified: address !== null && isVerified === true,
  };
}

function nameIn({ name, preferred_username, email }: Readonly<Record<string, unknown>>): string {
  for (const given of [name, preferred_username, email]) {
    try {
      if (typeof given === 'string') return parseName(given.slice(0, 80));
    } catch (error) {
      if (!isAppError(error)) throw error;
    }
  }
  return 'Somebody';
}

function addressIn(email: string): string | null {
  try {
    return parseLogin(email).email;
  } catch (error) {
    if (!isAppError(error)) throw error;
    return null;
  }
}
