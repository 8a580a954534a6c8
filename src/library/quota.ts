// How much a person may have, held also while several uploads run at once, here or in other processes. What was
// announced is in its row and counts from then on; what was not is counted in allowances that grow with the bytes: here,
// and where there are other processes in the row too, as if the bytes had come. Memory: a few numbers for each arrival
// of unknown size.
import type { Catalogue, Video } from '../catalogue/catalogue.ts';
import { AppError } from '../errors.ts';
import type { QuotaRequest } from './library.ts';
import type { Locks } from './locks.ts';

/** An arrival of unknown size is given so much at a time: asking costs a look into the catalogue. */
const grantBytes = 8 * 1024 * 1024;

/** What an arrival of unknown size may grow to. Calls are made one after the other. */
export type Allowance = {
  /** Before there are so many bytes in all. Throws `too-large`, `no-room` as soon as they pass the quota. */
  growTo(bytes: number): Promise<void>;
  /** Idempotent. */
  end(): void;
};

export type Quotas = {
  /** Throws `too-large` where so much more could never fit, `no-room` where it does not now. */
  check(request: QuotaRequest): Promise<void>;
  /** Checks, then runs `keep`, which stores what makes the bytes count; nobody else of that owner's comes in between. */
  admit<Result>(request: QuotaRequest, keep: () => Promise<Result>): Promise<Result>;
  /** For one of unknown size. `thereBytes`: what is stored of it. null where there is no limit. */
  open(
    video: Pick<Video, 'id' | 'ownerId' | 'receivedBytes'>,
    quotaBytes: number | null,
    thereBytes: number,
  ): Promise<Allowance | null>;
};

export function createQuotas(catalogue: Pick<Catalogue, 'getUsage' | 'reserveBytes'>, locks: Locks): Quotas {
  /** `countedBytes`: what the catalogue counts it as. */
  type Growing = { grantedBytes: number; countedBytes: number };
  const growing = new Map<string, Set<Growing>>();

  /** Bytes the owner has, or was promised. */
  const usedBytes = async (ownerId: string): Promise<number> => {
    let bytes = (await catalogue.getUsage(ownerId)).bytes;
    for (const { grantedBytes, countedBytes } of growing.get(ownerId) ?? []) {
      bytes += Math.max(0, grantedBytes - countedBytes);
    }
    return bytes;
  };

  const check = async ({ ownerId, quotaBytes, sizeBytes }: QuotaRequest): Promise<void> => {
    if (quotaBytes === null) return;
    if (sizeBytes > quotaBytes) throw neverFits(sizeBytes, quotaBytes);
    const leftBytes = quotaBytes - (await usedBytes(ownerId));
    if (sizeBytes > leftBytes) throw notNow(sizeBytes, leftBytes, quotaBytes);
  };

  return {
    check,
    admit(request, keep) {
      if (request.quotaBytes === null) return keep();
      return locks.run(`quota:${request.ownerId}`, async (lock) => {
        await check(request);
        lock.assertHeld();
        return keep();
      });
    },
    async open({ id, ownerId, receivedBytes }, quotaBytes, thereBytes) {
      if (quotaBytes === null) return null;
      const mine: Growing = { grantedBytes: thereBytes, countedBytes: receivedBytes };
      // What was granted before a pause counts still.
      if (locks.isShared)
        mine.grantedBytes = mine.countedBytes = await catalogue.reserveBytes(id, thereBytes);
      const all = growing.get(ownerId) ?? new Set();
      growing.set(ownerId, all.add(mine));
      return {
        growTo: (bytes) => {
          if (bytes <= mine.grantedBytes) return Promise.resolve();
          return locks.run(`quota:${ownerId}`, async (lock) => {
            const leftBytes = quotaBytes - (await usedBytes(ownerId));
            const moreBytes = bytes - mine.grantedBytes;
            if (bytes > quotaBytes) throw grewPast(quotaBytes);
            if (moreBytes > leftBytes) throw grewBeyond(leftBytes + mine.grantedBytes, quotaBytes);
            const grantedBytes = mine.grantedBytes + Math.min(leftBytes, Math.max(moreBytes, grantBytes));
            if (locks.isShared) {
              lock.assertHeld();
              mine.countedBytes = await catalogue.reserveBytes(id, grantedBytes);
            }
            mine.grantedBytes = grantedBytes;
          });
        },
        end() {
          all.delete(mine);
          if (all.size === 0 && growing.get(ownerId) === all) growing.delete(ownerId);
        },
      };
    },
  };
}

function neverFits(sizeBytes: number, quotaBytes: number): AppError {
  const [size, quota] = sizes(sizeBytes, quotaBytes);
  return new AppError('too-large', `This video has ${size}, and all of yours together may have ${quota}.`);
}

function notNow(sizeBytes: number, leftBytes: number, quotaBytes: number): AppError {
  const [size, left] = sizes(sizeBytes, Math.max(0, leftBytes));
  const [quota] = sizes(quotaBytes);
  const few = leftBytes <= 0 ? `nothing of your ${quota} is` : `${left} of your ${quota} are`;
  return new AppError('no-room', `This video has ${size}, and ${few} left. ${advice}`);
}

function grewPast(quotaBytes: number): AppError {
  const [quota] = sizes(quotaBytes);
  return new AppError('too-large', `This video is larger than the ${quota} that all of yours may have.`);
}

function grewBeyond(leftBytes: number, quotaBytes: number): AppError {
  const [left, quota] = sizes(Math.max(0, leftBytes), quotaBytes);
  const few =
    leftBytes <= 0
      ? `Nothing of your ${quota} is left`
      : `This video is larger than the ${left} that were left of your ${quota}`;
  return new AppError('no-room', `${few}. ${advice}`);
}

const advice = 'Remove something from the bin, or ask for more room.';

const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Sizes in words, with as many digits as it takes to tell different ones apart. */
function sizes(...bytes: readonly number[]): string[] {
  const wanted = new Set(bytes).size;
  for (let digits = 1; digits <= 4; digits += 1) {
    const words = bytes.map((one) => inWords(one, digits));
    if (new Set(words).size === wanted) return words;
  }
  return bytes.map((one) => `${one} bytes`);
}

function inWords(bytes: number, digits: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const number = unit === 0 ? String(value) : String(Number(value.toFixed(digits)));
  return `${number} ${bytes === 1 ? 'byte' : units[unit]}`;
}
