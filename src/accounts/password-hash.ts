// Passwords of people and of guest links as they are kept: scrypt (RFC 7914) with a salt of its own, its parameters beside it, so that
// they can be raised later and old ones still hold. Memory: 32 MiB while one is worked out; at most two are at a time.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { AppError } from '../errors.ts';

/**
 * The work of better-auth's own figure (2^14, 16, 1): half a second on a Raspberry Pi 4. OWASP asks for three times that;
 * what is tried online is limited, and the form says its parameters, so that they can be raised.
 */
const cost = { log2N: 15, r: 8, p: 1 } as const;
const saltBytes = 16;
const keyBytes = 32;
/** What a stored hash may ask for: a damaged one must not take the memory. */
const [maxLog2N, maxR, maxP] = [17, 16, 8];

/** Worked out at once, and waiting for their turn: more is somebody who tries many. */
const atOnce = 2;
const mostWaiting = 16;

export type PasswordHasher = {
  /** What is stored of a password: `scrypt$15$8$1$SALT$KEY`, base64url. Throws `too-many` where many wait already. */
  hash(password: string): Promise<string>;
  /** Whether it is the password; false for a stored hash that is none. Throws `too-many` where many wait already. */
  isPassword(password: string, stored: string): Promise<boolean>;
  /**
   * What is worked out within `work` comes before what others wait for, with places of its own: for those who were let in
   * before, so that strangers who try many do not keep them out.
   */
  first<Result>(work: () => Result): Result;
};

export function createPasswordHasher(): PasswordHasher {
  let running = 0;
  const waiting: (() => void)[] = [];
  const firstWaiting: (() => void)[] = [];
  const isFirst = new AsyncLocalStorage<boolean>();

  async function derive(password: string, salt: Uint8Array, parameters: Parameters): Promise<Buffer> {
    const queue = isFirst.getStore() ? firstWaiting : waiting;
    if (running < atOnce) running += 1;
    else if (queue.length < mostWaiting) await new Promise<void>((resolve) => queue.push(resolve));
    else
      throw new AppError('too-many', 'Too many passwords are being tried at this moment.', {
        retryAfterSeconds: 5,
      });
    try {
      return await scryptOf(password, salt, parameters);
    } finally {
      // The turn is handed over, not given back and taken again.
      const next = firstWaiting.shift() ?? waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    first: (work) => isFirst.run(true, work),
    async hash(password) {
      const salt = randomBytes(saltBytes);
      const key = await derive(password, salt, cost);
      const { log2N, r, p } = cost;
      return ['scrypt', log2N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
    },
    async isPassword(password, stored) {
      const parsed = parseHash(stored);
      return parsed !== null && timingSafeEqual(await derive(password, parsed.salt, parsed), parsed.key);
    },
  };
}

type Parameters = { readonly log2N: number; readonly r: number; readonly p: number };

function parseHash(stored: string): (Parameters & { readonly salt: Buffer; readonly key: Buffer }) | null {
  const [, log2N, r, p, salt, key] =
    /^scrypt\$([1-9]\d?)\$([1-9]\d?)\$([1-9])\$([\w-]{16,64})\$([\w-]{43})$/.exec(stored) ?? [];
  if (!salt || !key) return null;
  const parameters = { log2N: Number(log2N), r: Number(r), p: Number(p) };
  if (parameters.log2N > maxLog2N || parameters.r > maxR || parameters.p > maxP) return null;
  return { ...parameters, salt: Buffer.from(salt, 'base64url'), key: Buffer.from(key, 'base64url') };
}

function scryptOf(password: string, salt: Uint8Array, { log2N, r, p }: Parameters): Promise<Buffer> {
  const N = 2 ** log2N;
  // The same letters typed on another keyboard may come composed otherwise (RFC 8265 §4.2.1).
  const text = password.normalize('NFC');
  return new Promise((resolve, reject) => {
    scrypt(text, salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
