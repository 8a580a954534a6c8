// Where somebody is sent after the log-in: an address of ours or the first page, never another site's.

/** Longer ones are not worth going back to. */
const maxLength = 1000;

/**
 * `wanted` where it is a path of ours, else `/`. Browsers read `//host`, `/\\host` and a tab or line break between as
 * another site (WHATWG URL §4.4), so nothing of the kind passes, however it is written.
 */
export function nextPath(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > maxLength || !/^\/(?![/\\])[\x21-\x7e]*$/.test(wanted))
    return '/';
  if (wanted.includes('\\')) return '/';
  try {
    const here = 'http://here.invalid';
    const { origin, pathname, search, hash } = new URL(wanted, here);
    // `/..//host` becomes `//host`.
    if (origin !== here || pathname.startsWith('//')) return '/';
    return `${pathname}${search}${hash}`;
  } catch {
    return '/';
  }
}

/** The log-in page, which leads back to `path`; as for a television where that says so with `?tv`. */
export function logInPath(path: string): string {
  const next = nextPath(path);
  if (next === '/') return '/login';
  const tv = new URL(next, 'http://here.invalid').searchParams.get('tv');
  return `/login?next=${encodeURIComponent(next)}${tv === null ? '' : `&tv=${tv === '0' ? 0 : 1}`}`;
}
