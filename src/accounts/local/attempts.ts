// How often secrets may be tried (OWASP ASVS 5.0 §6.3.1): per address, per account from one address, per account, and
// per browser that was logged in to that account before, which has an allowance of its own, so that nobody can lock the
// right person out by trying (OWASP, "Slow down online guessing attacks with device cookies"). One address alone never
// uses up an account's allowance. Kept beside the accounts, so that a restart forgets nothing and processes that share
// them count together; the adapter bounds how much.
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { AppError } from '../../errors.ts';
import type { AccountData, Allowance } from './account-data.ts';

/** So many at once, and one more after each `everyMs`. */
type Allowed = Omit<Allowance, 'key'>;

const second = 1000;
const minute = 60 * second;

type Limits = {
  readonly address: Allowed;
  /** One account from one address: less than the account's, so that somebody else can still come in. */
  readonly pair: Allowed | null;
  readonly account: Allowed | null;
};

/**
 * What may be tried. Only what was wrong counts for `password` and the codes. A day's wrong passwords for one account
 * are 4,360 at most, from however many addresses: with passwords that stand 10^8 guesses (the score asked for), some
 * 60 years.
 */
const limits = {
  password: {
    address: { burst: 20, everyMs: 20 * second },
    pair: { burst: 8, everyMs: minute },
    account: { burst: 40, everyMs: 20 * second },
  },
  /** 8 characters of 32: 2^40. The account is the first one, whoever makes it. */
  'setup-code': {
    address: { burst: 5, everyMs: minute },
    pair: null,
    account: { burst: 50, everyMs: 10 * second },
  },
  /** A code of the second factor (10^6): asked of those alone who gave the right password. */
  code: { address: { burst: 20, everyMs: minute }, pair: null, account: { burst: 10, everyMs: minute } },
  /** What a television shows; the account is the person on the phone. */
  'user-code': {
    address: { burst: 10, everyMs: minute },
    pair: null,
    account: { burst: 10, everyMs: minute },
  },
  /** Counted whether it succeeded or not, like the rest below: each costs a place or a mail. */
  'sign-up': { address: { burst: 20, everyMs: 5 * minute }, pair: null, account: null },
  mail: {
    address: { burst: 10, everyMs: 5 * minute },
    pair: { burst: 3, everyMs: 30 * minute },
    account: { burst: 6, everyMs: 15 * minute },
  },
  /** What leaves something that waits in the store: passkeys' challenges, televisions, OpenID's way out. */
  waiting: { address: { burst: 60, everyMs: 2 * second }, pair: null, account: null },
} as const satisfies Record<string, Limits>;

export type AttemptKind = keyof typeof limits;

/** A browser that was logged in to the account before. */
const deviceAllowance: Allowed = { burst: 10, everyMs: minute };

export type Attempt = {
  /** It was right: what it took is given back, and the account (or browser) starts afresh. */
  succeeded(): Promise<void>;
  /** Something else went wrong: what it took is given back. */
  void(): Promise<void>;
};

export type Attempts = {
  /**
   * Takes one of what is left, before anything is worked out: what is under way counts, so many at once get no
   * further than one after the other. Throws `too-many`, in the same words whether there is such an account, and
   * `unavailable`: where it cannot be counted, nothing is tried.
   */
  begin(
    kind: AttemptKind,
    who: {
      readonly address: string;
      /** As it was typed, or an id. */
      readonly account?: string | null;
      /** The proven device's id; its allowance then takes the place of the address's and the account's. */
      readonly device?: string | null;
    },
  ): Promise<Attempt>;
};

export function createAttempts({ attempts }: Pick<AccountData, 'attempts'>): Attempts {
  return {
    async begin(kind, { address, account, device }) {
      const from = `${kind} ${network(address).slice(0, 60)}`;
      const name = account ? digest(account) : null;
      const { address: ofAddress, pair: ofPair, account: ofAccount } = limits[kind];
      // Whole again once the right secret was given.
      const own = device
        ? [{ key: `d ${kind} ${device}`, ...deviceAllowance }]
        : [
            ...(name && ofPair ? [{ key: `p ${from} ${name}`, ...ofPair }] : []),
            ...(name && ofAccount ? [{ key: `a ${kind} ${name}`, ...ofAccount }] : []),
          ];
      const shared = device ? [] : [{ key: `f ${from}`, ...ofAddress }];
      const taken = [...shared, ...own];
      const waitMs = await attempts.take(taken);
      if (waitMs > 0) throw refusal(waitMs);
      let isOpen = true;
      const once = async (settle: () => Promise<unknown>) => {
        if (!isOpen) return;
        isOpen = false;
        await settle();
      };
      return {
        succeeded: () =>
          once(() =>
            Promise.all([
              own.length > 0 && attempts.clear(own.map(({ key }) => key)),
              shared.length > 0 && attempts.giveBack(shared),
            ]),
          ),
        void: () => once(() => attempts.giveBack(taken)),
      };
    },
  };
}

function refusal(waitMs: number): AppError {
  const retryAfterSeconds = Math.ceil(waitMs / second);
  const wait = retryAfterSeconds < 90 ? 'a minute' : `${Math.ceil(retryAfterSeconds / 60)} minutes`;
  return new AppError('too-many', `Too many attempts. Please wait ${wait}, then try again.`, {
    retryAfterSeconds,
  });
}

/** Long log-ins cost no memory, and none is kept as it was typed. */
function digest(text: string): string {
  return createHash('sha256').update(text.trim().toLowerCase()).digest('base64url').slice(0, 16);
}

/**
 * Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, which is the least a line is given (RFC 6177 §2).
 */
export function network(address: string): string {
  const plain = address.split('%')[0]!;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain);
  if (mapped) return mapped[1]!;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    // A dotted end stands for two groups.
    const size = groups.length + last.length + (last.at(-1)?.includes('.') ? 1 : 0);
    groups.push(...Array<string>(Math.max(0, 8 - size)).fill('0'), ...last);
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
