// The pages that are looked at, each in the states that matter.
import { fakeId } from '../helpers/fake-services.ts';

export type LookPage = {
  readonly name: string;
  readonly path: string;
  /** Nothing is there yet. */
  readonly isEmpty?: boolean;
  /** As a television shows it. */
  readonly isTv?: boolean;
  /** Of a house with thirty cameras. */
  readonly isCrowded?: boolean;
};

export const lookPages: readonly LookPage[] = [
  { name: 'home', path: '/' },
  { name: 'home-empty', path: '/', isEmpty: true },
  { name: 'videos', path: '/videos' },
  { name: 'videos-search', path: '/videos?q=piano' },
  { name: 'videos-nothing', path: '/videos?q=zebra' },
  { name: 'videos-undo', path: `/videos?binned=${fakeId(40)}` },
  { name: 'bin', path: '/videos?bin' },
  { name: 'video', path: `/videos/${fakeId(4)}?t=4` },
  { name: 'video-remark', path: `/videos/${fakeId(9)}` },
  { name: 'video-sound', path: `/videos/${fakeId(11)}` },
  { name: 'video-arriving', path: `/videos/${fakeId(0)}` },
  { name: 'video-unplayable', path: `/videos/${fakeId(6)}` },
  { name: 'video-hostile', path: `/videos/${fakeId(21)}` },
  { name: 'video-rtl', path: `/videos/${fakeId(19)}` },
  { name: 'upload', path: '/upload' },
  { name: 'cameras', path: '/cameras' },
  { name: 'cameras-thirty', path: '/cameras', isCrowded: true },
  { name: 'cameras-empty', path: '/cameras', isEmpty: true },
  { name: 'camera', path: '/cameras/default' },
  { name: 'camera-no-signal', path: '/cameras/garage' },
  { name: 'camera-add', path: '/cameras/add' },
  { name: 'camera-found', path: '/cameras/add?find' },
  { name: 'camera-form', path: '/cameras/add?driver=rtsp&name=Front%20door' },
  { name: 'camera-edit', path: '/cameras/garage/edit' },
  { name: 'settings', path: '/settings' },
  { name: 'error', path: '/nowhere' },
  { name: 'tv-home', path: '/?tv', isTv: true },
  { name: 'tv-cameras', path: '/cameras?tv', isTv: true },
  { name: 'tv-videos', path: '/videos?tv', isTv: true },
  { name: 'tv-video', path: `/videos/${fakeId(4)}?t=4&tv`, isTv: true },
];
