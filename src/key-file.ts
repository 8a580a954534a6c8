// A random key in a file of the data folder, made at its first use, for this user alone.
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { AppError } from './errors.ts';

/** 256 bits: for AES-256 and HMAC-SHA-256 alike. */
const keyBytes = 32;

/**
 * Reads the key, or makes it whole and on the disk before it is used; two that make it at once agree on one. Throws
 * `unavailable`, with what the key is for in its sentence.
 */
export async function readOrMakeKey(path: string, forWhat: string): Promise<Buffer> {
  const found = await readKey(path, forWhat);
  if (found) return found;
  const made = randomBytes(keyBytes);
  await makeKey(path, forWhat, made);
  return (await readKey(path, forWhat)) ?? made;
}

/** Writes the key where there is none. Throws `unavailable`. */
export async function makeKey(path: string, forWhat: string, made: Uint8Array): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(made);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link never replaces a key that came in between.
    await link(draft, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    // Its name too must outlive a power cut: what is sealed with it is stored right after.
    const parent = await open(dirname(path), 'r');
    await parent.sync().finally(() => parent.close());
  } catch (cause) {
    throw new AppError('unavailable', `The key for ${forWhat} (${basename(path)}) cannot be written.`, {
      cause,
    });
  } finally {
    await rm(draft, { force: true });
  }
}

/** null where there is none. Throws `unavailable`. */
export async function readKey(path: string, forWhat: string): Promise<Buffer | null> {
  try {
    const key = await readFile(path);
    if (key.length !== keyBytes) throw new Error(`${key.length} bytes instead of ${keyBytes}`);
    return key;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('unavailable', `The key for ${forWhat} (${basename(path)}) cannot be read.`, {
      cause,
    });
  }
}
