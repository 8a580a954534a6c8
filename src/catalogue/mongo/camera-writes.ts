// Cameras, and whom any camera is shared with. removeCamera: (1) its shares go, (2) its links, (3) the camera itself;
// after a crash it is still there, shared with nobody, and can be removed again.
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import { isDuplicate } from '../../mongo/failure.ts';
import type { StoredCamera } from '../catalogue.ts';
import { changeDocument } from './change-document.ts';
import type { CameraDoc, Collections } from './documents.ts';
import { forgetLinks } from './link-writes.ts';
import { audiencesOf, text } from './text.ts';
import { fromJson } from './video-docs.ts';

function toCamera({ _id, name, driver, options, addedAtMs }: CameraDoc): StoredCamera {
  return { id: _id, name, driver, options: fromJson<Record<string, unknown>>(options), addedAtMs };
}

function fieldsOf({ name, driver, options }: Omit<StoredCamera, 'addedAtMs'>) {
  return { name: text(name), driver: text(driver), options: JSON.stringify(options) };
}

export type CameraWrites = ReturnType<typeof createCameraWrites>;

export function createCameraWrites(
  collections: Collections,
  accessChanged: () => Promise<void>,
  /** To be called after every write that changes a camera. */
  camerasChanged: () => Promise<void>,
) {
  const { cameras, shares } = collections;
  return {
    async listCameras(): Promise<StoredCamera[]> {
      const found = await cameras.find({}).sort({ addedAtMs: 1, _id: 1 }).toArray();
      return found.map(toCamera);
    },

    async addCamera(camera: StoredCamera): Promise<void> {
      const wanted = { _id: text(camera.id), ...fieldsOf(camera), addedAtMs: Math.round(camera.addedAtMs) };
      try {
        await cameras.insertOne(wanted);
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        const there = await cameras.findOne({ _id: wanted._id });
        if (!there || !isDeepStrictEqual(toCamera(there), toCamera(wanted))) {
          throw new AppError('conflict', 'Another camera has this id.');
        }
      }
      await camerasChanged();
    },

    async updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): Promise<boolean> {
      const changed = await cameras.updateOne({ _id: text(camera.id) }, { $set: fieldsOf(camera) });
      if (changed.matchedCount > 0) await camerasChanged();
      return changed.matchedCount > 0;
    },

    async removeCamera(id: string): Promise<boolean> {
      const _id = text(id);
      if (!(await cameras.findOne({ _id }))) return false;
      // Another camera may get the name one day; what this one was shared with is not for that one.
      await shares.deleteOne({ _id });
      await forgetLinks(collections, { subject: 'camera', subjectId: _id });
      await cameras.deleteOne({ _id });
      await accessChanged();
      await camerasChanged();
      return true;
    },

    async getAudiences(id: string): Promise<readonly string[] | null> {
      return (await shares.findOne({ _id: text(id) }))?.audiences ?? null;
    },

    async share(id: string, audiences: readonly string[]): Promise<void> {
      const [_id, wanted] = [text(id), audiencesOf(audiences)];
      const change = () => changeDocument(shares, { _id }, () => ({ audiences: wanted }));
      let changed = await change();
      if (!changed) {
        try {
          await shares.insertOne({ _id, revision: 1, audiences: wanted });
        } catch (error) {
          if (!isDuplicate(error)) throw error;
        }
        changed = await change();
        await accessChanged();
      } else if (changed.isWritten) await accessChanged();
    },
  };
}
