// The cameras' part of the catalogue in memory.
import type { StoredCamera } from '../../src/catalogue/catalogue.ts';
import { AppError } from '../../src/errors.ts';

/** `stored` is the live list. */
export function createCameraCatalogue(stored: StoredCamera[] = []) {
  const indexOf = (id: string) => stored.findIndex((camera) => camera.id === id);
  return {
    stored,
    listCameras: async () => stored,
    async addCamera(camera: StoredCamera) {
      if (indexOf(camera.id) >= 0) throw new AppError('conflict', 'taken');
      stored.push(camera);
    },
    async updateCamera(camera: Omit<StoredCamera, 'addedAtMs'>) {
      const index = indexOf(camera.id);
      if (index >= 0) stored[index] = { ...stored[index]!, ...camera };
      return index >= 0;
    },
    async removeCamera(id: string) {
      const index = indexOf(id);
      if (index >= 0) stored.splice(index, 1);
      return index >= 0;
    },
  };
}
