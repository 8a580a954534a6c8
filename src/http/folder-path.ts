// The way to a folder as somebody sees it: the folders around it, those left out that they may not look into.
import type { Viewer } from '../accounts/permissions.ts';
import type { Folder } from '../catalogue/catalogue.ts';
import { isAppError } from '../errors.ts';
import type { Services } from './services.ts';

/** From the outermost to the folder itself. */
export async function seenFolderPath(
  { access, library }: Pick<Services, 'access' | 'library'>,
  viewer: Viewer,
  folderId: string,
): Promise<readonly Folder[]> {
  const path: Folder[] = [];
  for (const around of await library.folderPath(folderId)) {
    try {
      path.push(await access.folder(viewer, around.id, 'watch'));
    } catch (error) {
      if (!isAppError(error, 'not-found')) throw error;
    }
  }
  return path;
}
