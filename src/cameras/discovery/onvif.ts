// Finds ONVIF cameras by WS-Discovery: a probe to the multicast group on every interface, answers for a few seconds.

import { randomUUID } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../../clock.ts';
import type { FoundCamera } from './found-camera.ts';
import { readProbeMatch } from './probe-match.ts';

export type OnvifSearch = {
  readonly clock: Clock;
  readonly searchMs: number;
  /** The group's address (WS-Discovery §2.4) and port. */
  readonly group: string;
  readonly port: number;
  /** Addresses of the interfaces to ask on. */
  readonly interfaces: readonly string[];
};

/** Answers beyond this are not looked at: a flood is no network of cameras. */
const maxAnswers = 500;
const maxFound = 100;
const maxInterfaces = 16;

/** A datagram may be lost: the probe goes out again after this. */
const againMs = 1000;

/** Asks and waits `searchMs`. What cannot be sent finds nothing; rejects only with the signal's reason. */
export async function findOnvifCameras(
  search: Partial<OnvifSearch> & Pick<OnvifSearch, 'clock' | 'searchMs'>,
  signal: AbortSignal,
): Promise<FoundCamera[]> {
  const { clock, searchMs, group = '239.255.255.250', port = 3702 } = search;
  const addresses = (search.interfaces ?? ownAddresses()).slice(0, maxInterfaces);
  const probeId = `uuid:${randomUUID()}`;
  const found = new Map<string, FoundCamera>();
  let answers = 0;
  const listen = (message: Buffer, { address }: { address: string }) => {
    answers += 1;
    if (answers > maxAnswers || found.size >= maxFound || found.has(address)) return;
    const match = readProbeMatch(message.toString('utf8'), probeId);
    if (!match) return;
    // The address is where the answer came from: what it claims could send people anywhere.
    const own = match.addresses.find((url) => url.hostname.replace(/^\[|\]$/g, '') === address);
    found.set(address, {
      kind: 'onvif',
      name: match.name || address,
      address: own ? own.host : address,
      driver: 'rtsp',
      options: { url: `rtsp://${address}/` },
    });
  };
  const sockets = await Promise.all(addresses.map((address) => openSocket(address, listen)));
  try {
    const probe = Buffer.from(probeOf(probeId));
    const send = () => {
      // A network that takes no multicast says so here; then there is nothing to find on it.
      for (const socket of sockets) socket?.send(probe, port, group, () => {});
    };
    send();
    await clock.sleep(Math.min(againMs, searchMs), signal);
    send();
    await clock.sleep(Math.max(0, searchMs - againMs), signal);
  } finally {
    for (const socket of sockets) socket?.close();
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name, 'en'));
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address);
}

/** null where no socket can be opened on that address. */
function openSocket(
  address: string,
  onMessage: (message: Buffer, from: { address: string }) => void,
): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4', onMessage);
    socket.once('error', () => resolve(null));
    socket.bind(0, address, () => {
      socket.removeAllListeners('error');
      // Errors while it listens (an interface that goes away) only mean that no more answers come.
      socket.on('error', () => {});
      try {
        socket.setMulticastInterface(address);
      } catch {
        // The system's own choice of interface will do.
      }
      resolve(socket);
    });
  });
}

/** WS-Discovery §5.2: a probe for ONVIF's devices (ONVIF Core §7.3.2.1). */
function probeOf(id: string): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"' +
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"' +
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>' +
    `<w:MessageID>${id}</w:MessageID>` +
    '<w:To e:mustUnderstand="true">urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>' +
    '<w:Action e:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action>' +
    '</e:Header><e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>'
  );
}
