// The stylesheet and the scripts of the pages: bundled by esbuild, named by their content, compressed once. The
// result is kept on disk under a fingerprint of everything it is made from, so that a later start only reads it.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deserialize, serialize } from 'node:v8';
import { buildAssets } from './build-assets.ts';
import type { BuiltAssets } from './built-assets.ts';

export type Assets = BuiltAssets & {
  /** The address of an asset by its plain name. Throws where there is none: a page asked for what is not built. */
  url(name: string): string;
};

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** The packages whose code ends up in the bundles or decides how. */
const packages = ['esbuild', 'media-chrome', 'tus-js-client', '@simplewebauthn/browser'];

/** The folder where builds are kept: beside the packages, as other tools do. */
function cacheFolder(): string {
  return join(here, '..', '..', 'node_modules', '.cache', 'kinora');
}

/** Reads the kept build, or builds (about a second on a small machine). Never fails for want of a writable cache. */
export async function loadAssets(): Promise<Assets> {
  const path = join(cacheFolder(), `assets-${await fingerprint()}.bin`);
  const kept = await readKept(path);
  const built = kept ?? (await buildAssets(here));
  if (!kept) await keep(path, built);
  return {
    ...built,
    url(name) {
      const hashed = built.names.get(name);
      if (!hashed) throw new Error(`No asset is called ${name}.`);
      return `/assets/${hashed}`;
    },
  };
}

/** Changes whenever any source of the assets does. */
async function fingerprint(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  const sources = [join(here, 'build-assets.ts'), join(here, 'icon.svg')];
  for (const folder of ['client', 'styles']) {
    const names = await readdir(join(here, folder));
    sources.push(...names.sort().map((name) => join(here, folder, name)));
  }
  const texts = await Promise.all(sources.map((path) => readFile(path)));
  for (const [index, text] of texts.entries()) hash.update(sources[index]!.slice(here.length)).update(text);
  for (const name of packages) hash.update(await packageVersion(name));
  return hash.digest('hex').slice(0, 24);
}

/** The first bytes of a package's description hold its version; some packages do not export the file itself. */
async function packageVersion(name: string): Promise<string> {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return String(JSON.parse(await readFile(join(folder, name, 'package.json'), 'utf8')).version);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'absent';
}

async function readKept(path: string): Promise<BuiltAssets | null> {
  try {
    return deserialize(await readFile(path)) as BuiltAssets;
  } catch {
    // Missing, or cut short by a crash: it is only a copy of what can be built again.
    return null;
  }
}

async function keep(path: string, built: BuiltAssets): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    for (const old of await readdir(dirname(path))) {
      if (old.startsWith('assets-')) await rm(join(dirname(path), old), { force: true });
    }
    const temporary = `${path}.${process.pid}`;
    await writeFile(temporary, serialize(built));
    await rename(temporary, path);
  } catch {
    // A read-only installation builds at every start; nothing else is lost.
  }
}
