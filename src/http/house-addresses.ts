// The addresses by which other devices of the house reach this machine, for QR codes and the settings page.
import { networkInterfaces } from 'node:os';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { originOf } from './local-request.ts';

/** Bridges and tunnels of containers and virtual machines: nobody in the house is on the other side. */
const inside = /^(docker|br-|veth|virbr|vmnet|vboxnet|tun|tap|utun|lxc|cni|flannel|podman)/;

/**
 * Origins without a path, the most useful first; empty where it listens on this machine only, and where people come in by
 * a proxy whose address is not known: past it nobody is let in.
 */
export function addressesAt(port: number, { auth, server: { publicUrl, host } }: Config): string[] {
  if (publicUrl !== null) return [new URL(publicUrl).origin];
  if (auth.mode === 'header') return [];
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return [];
  if (host !== '::' && host !== '0.0.0.0')
    return [`http://${host.includes(':') ? `[${host}]` : host}:${port}`];
  return Object.entries(networkInterfaces())
    .filter(([name]) => !inside.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `http://${address}:${port}`);
}

/** The same for a page: how it was asked for is known to work, and goes first. */
export function houseAddresses(request: FastifyRequest, config: Config): string[] {
  const own = addressesAt(request.raw.socket.localPort ?? 0, config);
  const origin = originOf(request, config);
  return own.length === 0 || isLoopback(origin) ? own : [...new Set([origin, ...own])];
}

/** Where another device goes: the address this page was opened by, or one of the house's in place of `localhost`. */
export function reachableOrigin(request: FastifyRequest, config: Config): string {
  const origin = originOf(request, config);
  return isLoopback(origin) ? (houseAddresses(request, config)[0] ?? origin) : origin;
}

function isLoopback(origin: string): boolean {
  const { hostname } = new URL(origin);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
}
