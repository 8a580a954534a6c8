// What the page asks of each kind of camera: the drivers' options as fields of a plain form, and back.
import { AppError } from '../errors.ts';

export type CameraField = {
  /** The option's name, and the field's. */
  readonly name: string;
  readonly label: string;
  readonly kind: 'text' | 'address' | 'secret' | 'number' | 'choice';
  readonly hint?: string;
  readonly placeholder?: string;
  readonly isRequired?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly step?: string;
  /** Of a choice: value and what it is called; the first is what holds where nothing is chosen. */
  readonly choices?: readonly (readonly [string, string])[];
};

export type CameraKind = {
  readonly driver: string;
  readonly name: string;
  /** One sentence for who does not know the word. */
  readonly about: string;
  readonly fields: readonly CameraField[];
};

const user: CameraField = { name: 'user', label: 'User name', kind: 'text' };
const password: CameraField = { name: 'password', label: 'Password', kind: 'secret' };
const width: CameraField = {
  name: 'width',
  label: 'Width',
  kind: 'number',
  min: 16,
  max: 16_384,
  hint: 'Pixels',
};
const height: CameraField = { ...width, name: 'height', label: 'Height' };
const fps: CameraField = {
  ...{ name: 'fps', label: 'Pictures a second', kind: 'number' },
  ...{ min: 0.1, max: 240, step: 'any' },
};

/** In the order the page offers them: what people have first, what they try things with last. */
export const cameraKinds: readonly CameraKind[] = [
  {
    driver: 'rtsp',
    name: 'Network camera',
    about: 'Most cameras with a network cable or Wi-Fi: an address that begins with rtsp.',
    fields: [
      {
        ...{ name: 'url', label: 'Address', kind: 'address', isRequired: true },
        placeholder: 'rtsp://192.168.1.20/stream1',
        hint: 'The path is in the camera’s manual.',
      },
      user,
      password,
      {
        ...{ name: 'transport', label: 'Carried by', kind: 'choice' },
        choices: [
          ['tcp', 'TCP'],
          ['udp', 'UDP'],
        ],
      },
    ],
  },
  {
    driver: 'mjpeg',
    name: 'Web camera page',
    about: 'Cameras and phone apps that show pictures at an http address (Motion-JPEG).',
    fields: [
      {
        ...{ name: 'url', label: 'Address', kind: 'address', isRequired: true },
        placeholder: 'http://192.168.1.21/video',
      },
      user,
      password,
    ],
  },
  {
    driver: 'v4l2',
    name: 'USB camera',
    about: 'A webcam or capture card plugged into the machine Kinora runs on.',
    fields: [
      {
        ...{ name: 'device', label: 'Device', kind: 'text', placeholder: '/dev/video0' },
        hint: 'Empty takes the first one.',
      },
      width,
      height,
      fps,
    ],
  },
  {
    driver: 'pi',
    name: 'Raspberry Pi camera',
    about: 'The camera on the ribbon cable of the Raspberry Pi that Kinora runs on.',
    fields: [
      {
        ...{ name: 'codec', label: 'Sends', kind: 'choice' },
        choices: [
          ['h264', 'Video (H.264)'],
          ['mjpeg', 'Pictures (JPEG)'],
        ],
      },
      { ...width, min: 64, max: 4608, placeholder: '1280' },
      { ...height, min: 64, max: 3456, placeholder: '720' },
      { ...fps, placeholder: '25' },
      {
        ...{ name: 'rotation', label: 'Turned', kind: 'choice' },
        choices: [
          ['0', 'No'],
          ['180', 'Upside down'],
        ],
      },
    ],
  },
  {
    driver: 'push',
    name: 'Sends by itself',
    about: 'A phone, a program or a camera that sends its pictures to Kinora.',
    fields: [
      {
        ...{ name: 'key', label: 'Key', kind: 'secret' },
        hint: 'Whoever sends must show it. Without one, anybody who reaches this address can send.',
      },
    ],
  },
  {
    driver: 'file',
    name: 'Video file',
    about: 'A video on this machine, in a loop, as if it were a camera.',
    fields: [
      { name: 'path', label: 'File', kind: 'text', isRequired: true, placeholder: '/srv/films/fish.mp4' },
    ],
  },
  {
    driver: 'images',
    name: 'Folder of pictures',
    about: 'JPEG pictures of a folder on this machine, one after another.',
    fields: [
      { name: 'path', label: 'Folder', kind: 'text', isRequired: true, placeholder: '/srv/garden' },
      { ...fps, min: 0.01, max: 120, placeholder: '10' },
    ],
  },
  {
    driver: 'test',
    name: 'Test picture',
    about: 'A clock and colour bars, drawn here, to try things out.',
    fields: [
      { ...width, min: 160, max: 3840, placeholder: '1280' },
      { ...height, min: 90, max: 2160, placeholder: '720' },
      { ...fps, min: 0.2, max: 120, placeholder: '25' },
    ],
  },
  {
    driver: 'emulated',
    name: 'Street at night',
    about: 'A scene that Kinora brings along, for a first look.',
    fields: [{ ...fps, min: 0.01, max: 120, placeholder: '10' }],
  },
];

/** null for drivers the page has no form for. */
export function cameraKind(driver: string): CameraKind | null {
  return cameraKinds.find((kind) => kind.driver === driver) ?? null;
}

/** Options that are numbers though the page offers them as a choice. */
const numericChoices = ['rotation'];

/**
 * The driver's options of a sent form. Fields left empty are not there, or null with `emptyIsNull` (a change takes
 * them away) but for secret ones, which stay as they are unless `forget` names them. Throws `bad-request`.
 */
export function optionsOfForm(
  kind: CameraKind,
  form: URLSearchParams,
  emptyIsNull: boolean,
): Record<string, string | number | null> {
  const options: Record<string, string | number | null> = {};
  const forgotten = form.getAll('forget');
  for (const { name, label, kind: type, choices } of kind.fields) {
    const text = (form.get(name) ?? '').trim();
    const isFirstChoice = type === 'choice' && text === choices?.[0]?.[0];
    if (text === '' || isFirstChoice) {
      if (emptyIsNull && (type !== 'secret' || forgotten.includes(name))) options[name] = null;
    } else if (type === 'number' || numericChoices.includes(name)) {
      const value = Number(text);
      if (!Number.isFinite(value)) throw new AppError('bad-request', `${label} takes a number.`);
      options[name] = value;
    } else options[name] = type === 'secret' ? (form.get(name) ?? '') : text;
  }
  return options;
}

/** An id made of a name: small letters, digits and hyphens; `taken` ones get a number. */
export function idOfName(name: string, isTaken: (id: string) => boolean): string {
  const base =
    name
      .normalize('NFD')
      .replace(/\p{M}+/gu, '')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 40)
      .replace(/-+$/, '') || 'camera';
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!isTaken(id)) return id;
  }
}
