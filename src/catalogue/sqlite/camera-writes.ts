// Writes about cameras: the stored ones, and whom any camera is shared with.
import { isDeepStrictEqual } from 'node:util';
import { AppError } from '../../errors.ts';
import type { StoredCamera } from '../catalogue.ts';
import type { Statements } from './statements.ts';
import { fromJson, wellFormed } from './video-rows.ts';

export type CameraRow = { id: string; name: string; driver: string; options: string; added_at_ms: number };

export type CameraWrites = {
  addCamera(camera: StoredCamera): void;
  updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>): boolean;
  removeCamera(id: string): boolean;
};

export function createCameraWrites(statements: Statements): CameraWrites {
  return {
    addCamera(camera) {
      const wanted = [
        wellFormed(camera.name),
        wellFormed(camera.driver),
        JSON.stringify(camera.options),
        Math.round(camera.addedAtMs),
      ] as const;
      const id = wellFormed(camera.id);
      const found = statements.get<CameraRow>('SELECT * FROM cameras WHERE id = ?', id);
      if (!found) {
        statements.run(
          'INSERT INTO cameras (id, name, driver, options, added_at_ms) VALUES (?, ?, ?, ?, ?)',
          id,
          ...wanted,
        );
      } else if (
        found.name !== wanted[0] ||
        found.driver !== wanted[1] ||
        found.added_at_ms !== wanted[3] ||
        !isDeepStrictEqual(fromJson(found.options), fromJson(wanted[2]))
      ) {
        throw new AppError('conflict', 'Another camera has this id.');
      }
    },

    updateCamera(camera) {
      const changes = statements.run(
        'UPDATE cameras SET name = ?, driver = ?, options = ? WHERE id = ?',
        wellFormed(camera.name),
        wellFormed(camera.driver),
        JSON.stringify(camera.options),
        wellFormed(camera.id),
      );
      return changes > 0;
    },

    removeCamera(cameraId) {
      const id = wellFormed(cameraId);
      // Another camera may get the name one day; what this one was shared with is not for that one.
      const isRemoved = statements.run('DELETE FROM cameras WHERE id = ?', id) > 0;
      if (isRemoved) {
        statements.run('DELETE FROM camera_shares WHERE camera_id = ?', id);
        statements.run("DELETE FROM links WHERE subject = 'camera' AND subject_id = ?", id);
      }
      return isRemoved;
    },
  };
}
