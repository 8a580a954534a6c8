// What every page needs to know of the request it answers: who asks, language, theme, television or not, and where the
// assets are. Theme and television mode are cookies, so that they work without scripts and without a flash.
import { type Permission, permits, type Viewer } from '../accounts/permissions.ts';
import type { Assets } from './assets.ts';
import type { Formats } from './formats.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export type View = {
  readonly formats: Formats;
  readonly theme: Theme;
  /** Larger, fewer things, margins for overscan, arrow keys move everywhere. */
  readonly isTv: boolean;
  readonly nowMs: number;
  /** Who looks; null where nobody is logged in: then a page has the brand and its own content, no more. */
  readonly viewer: Viewer | null;
  /** Whether who looks may do such a thing at all: what may not be done is not offered. */
  can(permission: Permission): boolean;
  /** The address of an asset by its plain name (`styles.css`, `base.js`). */
  asset(name: string): string;
};

const themeCookie = 'kinora-theme';
const tvCookie = 'kinora-tv';

/** One cookie's value (RFC 6265 §5.4); null where it was not sent. */
export function readCookie(header: string | undefined, name: string): string | null {
  for (const pair of (header ?? '').slice(0, 8192).split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return null;
}

/** The theme a person chose, `system` where none. */
function themeOf(cookieHeader: string | undefined): Theme {
  const value = readCookie(cookieHeader, themeCookie);
  return themes.find((theme) => theme === value) ?? 'system';
}

/** Whether this browser was told that it is a television. */
function isTvOf(cookieHeader: string | undefined): boolean {
  return readCookie(cookieHeader, tvCookie) === '1';
}

/** A year: a choice of looks should outlast a holiday. */
const keepSeconds = 31_536_000;

/** The Set-Cookie value that keeps a theme, or forgets it (`system`). */
export function themeCookieFor(theme: Theme): string {
  return cookie(themeCookie, theme === 'system' ? null : theme);
}

/** The Set-Cookie value that keeps or forgets television mode. */
export function tvCookieFor(isTv: boolean): string {
  return cookie(tvCookie, isTv ? '1' : null);
}

function cookie(name: string, value: string | null): string {
  const age = value === null ? 0 : keepSeconds;
  return `${name}=${value ?? ''}; Path=/; Max-Age=${age}; SameSite=Lax; HttpOnly`;
}

/** The view of a request. */
export function createView(options: {
  readonly assets: Pick<Assets, 'url'>;
  readonly formats: Formats;
  readonly cookieHeader: string | undefined;
  readonly nowMs: number;
  readonly viewer: Viewer | null;
}): View {
  const { viewer } = options;
  return {
    formats: options.formats,
    theme: themeOf(options.cookieHeader),
    isTv: isTvOf(options.cookieHeader),
    nowMs: options.nowMs,
    viewer,
    can: (permission) => viewer !== null && permits(viewer, permission),
    asset: (name) => options.assets.url(name),
  };
}
