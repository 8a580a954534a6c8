// `kinora --help` and `--version`.

import { settingList } from '../setting-list.ts';
import { fileKey } from '../settings.ts';
import { version as programVersion } from '../version.ts';

export function version(): void {
  console.log(programVersion);
}

export function help(): void {
  const settings = Object.values(settingList)
    .map(({ name, meaning, defaultText }) => {
      const key = fileKey(name);
      return `  ${name}${key ? `  (file: ${key})` : ''}\n      ${meaning}\n      Default: ${defaultText}.`;
    })
    .join('\n');
  console.log(`Kinora ${programVersion}: a video server for a home.

kinora [serve]            starts it and prints the address
kinora check              walks videos, catalogue and indexes and says what disagrees
kinora check --repair     the same, and mends what can be mended
kinora health [address]   asks it, or the one at the address, whether it is ready
kinora move --to mongodb  carries everything from KINORA_DATA to MONGODB_URL (or back: --to disk)
kinora user ...           lists, adds, changes and removes people (kinora user --help)
kinora token ...          lists, adds and removes tokens for the API (kinora token --help)
kinora --version, --help

Settings stand in the environment, or in the file KINORA_CONFIG names (kinora.toml):
${settings}

Cameras stand in the file:
  [[camera]]
  id = "porch"
  name = "Front porch"
  driver = "mjpeg"
  url = "http://..."`);
}
