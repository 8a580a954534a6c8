// Makes the assets: esbuild for scripts and styles, brotli and gzip at their strongest (once per change of source),
// and the hashes by which a strict Content-Security-Policy lets the player's own styles pass.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { AssetFile, BuiltAssets } from './built-assets.ts';

/** One script for every page and one for each kind of page that needs more; plus the one stylesheet. */
const entries = [
  ...['base', 'library', 'player', 'arriving', 'wall', 'live', 'links', 'select'].map(
    (name) => `client/${name}.ts`,
  ),
  ...['passkeys', 'password-strength', 'television-log-in'].map((name) => `client/${name}.ts`),
  'styles/styles.css',
];

/** Televisions are the oldest browsers in a house: sets of 2022 carry Chromium 94. */
const targets = ['chrome90', 'firefox100', 'safari15'];

const contentTypes: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Builds everything from `webFolder`. Throws what esbuild found wrong. */
export async function buildAssets(webFolder: string): Promise<BuiltAssets> {
  const esbuild = await import('esbuild');
  const result = await esbuild.build({
    absWorkingDir: webFolder,
    entryPoints: entries,
    ...{ bundle: true, minify: true, write: false, metafile: true, splitting: true },
    ...{ format: 'esm', target: targets, outdir: 'out', logLevel: 'silent', legalComments: 'none' },
    ...{ entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]' },
  });
  const files = new Map<string, AssetFile>();
  const names = new Map<string, string>();
  await Promise.all(
    result.outputFiles.map(async (output) => {
      const name = basename(output.path);
      files.set(name, await assetFile(name, output.contents));
      names.set(name.replace(/-[A-Z0-9]{8}(?=\.\w+$)/, ''), name);
    }),
  );
  const mark = await readFile(join(webFolder, 'icon.svg'));
  const markName = `icon-${createHash('sha256').update(mark).digest('hex').slice(0, 8)}.svg`;
  files.set(markName, await assetFile(markName, mark));
  names.set('icon.svg', markName);
  const inputs = Object.keys(result.metafile.inputs).map((path) => resolve(webFolder, path));
  return { files, names, styleHashes: await styleHashes(inputs) };
}

async function assetFile(name: string, bytes: Uint8Array): Promise<AssetFile> {
  const small = (packed: Uint8Array) => (packed.length < bytes.length ? packed : null);
  const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  return {
    contentType: contentTypes[name.split('.').at(-1)!] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`,
    bytes,
    gzip: small(await promisify(gzip)(bytes, { level: 9 })),
    brotli: small(await promisify(brotliCompress)(bytes, brotliOptions)),
  };
}

type PlayerPart = { readonly getTemplateHTML?: (attributes: object, properties: object) => string };

/**
 * media-chrome writes `<style>` elements into its shadow roots, which `style-src 'self'` would refuse. Their text
 * is fixed, so each part that was bundled is asked for its template here and the texts are allowed by hash
 * (CSP Level 3 §6.7.3.3), instead of opening the policy to every inline style.
 */
async function styleHashes(inputs: readonly string[]): Promise<string[]> {
  const hashes = new Set<string>();
  for (const path of inputs) {
    if (!/media-chrome\/dist\/media-[\w-]+\.js$/.test(path.replaceAll('\\', '/'))) continue;
    const part = ((await import(pathToFileURL(path).href)) as { default?: PlayerPart }).default;
    const template = part?.getTemplateHTML?.({}, {}) ?? '';
    for (const [, text] of template.matchAll(/<style>([\s\S]*?)<\/style>/g)) {
      hashes.add(`'sha256-${createHash('sha256').update(text!).digest('base64')}'`);
    }
  }
  return [...hashes];
}
