// Looks for cameras that could be added: ONVIF devices in the network and V4L2 devices at this machine. It only
// offers what it finds; nothing found is opened.
import type { Clock } from '../../clock.ts';
import type { FoundCamera } from './found-camera.ts';
import { findOnvifCameras, type OnvifSearch } from './onvif.ts';
import { listVideoDevices } from './video-devices.ts';

/** How long answers are waited for. */
export const searchMs = 3000;

export type DiscoverySetup = {
  readonly clock: Clock;
  /** Where the network is asked; the real places where it is not given. */
  readonly onvif?: Partial<OnvifSearch>;
  /** Folder that stands for `/sys/class/video4linux`. */
  readonly deviceFolder?: string;
};

/** All that is found within 3 s; what cannot be asked (no network, no such folder) finds nothing. */
export async function discoverCameras(
  { clock, onvif, deviceFolder }: DiscoverySetup,
  signal: AbortSignal,
): Promise<readonly FoundCamera[]> {
  const [devices, network] = await Promise.all([
    listVideoDevices(deviceFolder),
    findOnvifCameras({ clock, searchMs, ...onvif }, signal),
  ]);
  signal.throwIfAborted();
  return [...devices, ...network];
}
