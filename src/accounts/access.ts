// Whose video, folder or camera it is, and who may do what with it. What the role or the token lets somebody do at all
// is checked before, by what the route needs (`permissions.ts`). What somebody may not see is `not-found` for them, so
// that nothing is told of it.
import type { CameraInfo } from '../cameras/cameras.ts';
import type { Folder, Sight, Video } from '../catalogue/catalogue.ts';
import type { Viewer } from './permissions.ts';

/** `watch`: its own or shared with it. The others: its own alone. */
export type Act = 'watch' | 'edit' | 'share' | 'delete';

export type Access = {
  /** Throws `not-found` where it may not be seen, `forbidden` where it may be seen and no more. */
  video(viewer: Viewer, id: string, act: Act): Promise<Video>;
  /** As `video` to watch, without the video: for its bytes, asked for by many small requests. Nothing is read again until `revision` changes. */
  watchable(viewer: Viewer, id: string): Promise<void>;
  folder(viewer: Viewer, id: string, act: Act): Promise<Folder>;
  /** Throws `not-found`. Those whose role has `cameras:manage` see every camera, with a narrow token too. */
  camera(viewer: Viewer, id: string): Promise<void>;
  /** Those of the list that may be seen. */
  cameras(viewer: Viewer, list: readonly CameraInfo[]): Promise<readonly CameraInfo[]>;
  /** Who a new or listed video's owner is compared with. */
  isOwn(viewer: Viewer, ownerId: string): boolean;
  /** For lists. */
  sight(viewer: Viewer): Sight;
  /** Changes whenever an answer above may hold no longer. */
  revision(): number;
};
