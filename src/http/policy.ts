// The headers that keep hostile content harmless, in one place: those of every answer, and what pages add to them.

/**
 * Nothing is loaded from elsewhere, nothing runs that is written into a page, and no other site frames one. Routes of
 * bytes set a stricter one. `styleHashes` allow the style elements of the player's parts.
 */
function contentSecurityPolicy(styleHashes: readonly string[] = []): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${styleHashes.join(' ')}`.trim(),
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
  ].join('; ');
}

/** Of every answer. */
export const guardHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentSecurityPolicy(),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/**
 * Of every answer where the address people use is HTTPS (RFC 6797). Names below ours are left alone: where ours is a
 * whole domain they may be other programs of the household that have no certificate.
 */
export const httpsHeaders: Readonly<Record<string, string>> = {
  'Strict-Transport-Security': 'max-age=31536000',
};

/** Of a page, beside those. `styleHashes` are those of the assets in use. */
export function pageHeaders(styleHashes: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': contentSecurityPolicy(styleHashes),
    'cache-control': 'private, no-cache',
    vary: 'Accept-Language, Cookie',
    'cross-origin-opener-policy': 'same-origin',
  };
}
