// By which names this house may be called. A page of another site whose name leads to this machine (DNS rebinding)
// would be of the same origin as ours; but it calls us by its own name, which is none of these.
import { isIPv6 } from 'node:net';

/** Endings of names that no public site can have: RFC 6762, RFC 8375, RFC 6761, and what routers give. */
const houseEndings = ['local', 'lan', 'home', 'internal', 'home.arpa', 'fritz.box', 'localhost'] as const;

/** Remembered answers: browsers send the same few names all day. */
const maxRemembered = 100;

/** The host in a Host header, lower case, without port, brackets and the root's dot; null where it is none (RFC 9110 §7.2). */
export function hostNameOf(header: string): string | null {
  const [, address, name] =
    /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,254}))(?::\d{1,5})?$/i.exec(header) ?? [];
  if (address !== undefined) return isIPv6(address) ? address.toLowerCase() : null;
  const host = name?.toLowerCase().replace(/\.$/, '');
  return host || null;
}

/** `publicUrl` and `hosts` as in the settings. The function is told the Host header. */
export function createHostCheck({
  publicUrl,
  hosts,
}: {
  readonly publicUrl: string | null;
  readonly hosts: readonly string[];
}): (header: string) => boolean {
  const named = new Set(hosts.map((host) => host.toLowerCase()));
  if (publicUrl !== null) named.add(new URL(publicUrl).hostname.replace(/^\[|\]$/g, ''));
  const known = new Map<string, boolean>();
  const check = (header: string) => {
    const host = hostNameOf(header);
    if (host === null) return false;
    // Addresses (the last label of one is a number, that of a name never is), and names without a dot.
    if (host.includes(':') || !host.includes('.') || /\.\d+$/.test(host)) return true;
    return named.has(host) || houseEndings.some((ending) => host.endsWith(`.${ending}`));
  };
  return (header) => {
    let isKnown = known.get(header);
    if (isKnown === undefined) {
      isKnown = check(header);
      if (known.size >= maxRemembered) known.clear();
      if (header.length <= 300) known.set(header, isKnown);
    }
    return isKnown;
  };
}
