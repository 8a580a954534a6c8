// A real Chromium for the tests and for `npm run look`: launched with a fresh profile, closed with everything it
// opened. Where there is none the caller gets one clear sentence and fails; nothing is skipped.
import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Chromium is looked for, in order. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** The path of Chromium: `CHROMIUM` where set, else a known place. Throws a sentence that says what to do. */
function findChromium(): string {
  const wanted = process.env.CHROMIUM;
  const candidates = wanted ? [wanted] : places;
  for (const path of candidates) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next place is tried; none at all is said below.
    }
  }
  throw new Error(
    `These tests need Chromium; looked for ${candidates.join(', ')}. ` +
      'Install it (Debian: apt-get install chromium) or set CHROMIUM to its path.',
  );
}

/** Launches Chromium with a profile of its own. `close()` it when done. */
export function launchBrowser(extraFlags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: [...flags, ...extraFlags],
    chromiumSandbox: false,
  });
}
