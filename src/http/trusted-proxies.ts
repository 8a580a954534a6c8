// Which peers are proxies of this house, whose word on the client (X-Forwarded-*, a person's name) is believed.
import { BlockList, isIP } from 'node:net';

/** `networks`: addresses, or networks with a prefix length (`10.0.0.0/8`). The function is told a peer's address. */
export function createProxyCheck(networks: readonly string[]): (address: string | undefined) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const version = isIP(address);
    if (version === 0) continue;
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  if (networks.length === 0) return () => false;
  return (address = '') => {
    // An IPv4 peer of a listener on `::` (RFC 4291 §2.5.5.2).
    const plain = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1] ?? address;
    const version = isIP(plain);
    return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
  };
}
