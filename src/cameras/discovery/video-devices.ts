// The V4L2 devices of this machine with the names their drivers give them (Linux `video4linux` class).
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundCamera } from './found-camera.ts';
import { plainText } from './plain-text.ts';

const maxDevices = 64;

/** Empty where the system has no such folder. A camera's further nodes (metadata, `index` above 0) are left out. */
export async function listVideoDevices(folder = '/sys/class/video4linux'): Promise<FoundCamera[]> {
  const entries = await readdir(folder).catch(() => [] as string[]);
  const nodes = entries
    .filter((name) => /^video\d{1,4}$/.test(name))
    .sort((a, b) => Number(a.slice(5)) - Number(b.slice(5)))
    .slice(0, maxDevices);
  const found: FoundCamera[] = [];
  for (const node of nodes) {
    const index = await readFile(join(folder, node, 'index'), 'utf8').catch(() => '0');
    if (Number(index) > 0) continue;
    const name = await readFile(join(folder, node, 'name'), 'utf8').catch(() => '');
    const device = `/dev/${node}`;
    found.push({
      kind: 'v4l2',
      name: plainText(name) || device,
      address: device,
      driver: 'v4l2',
      options: { device },
    });
  }
  return found;
}
