// A folder of a test's own under the system's temporary folder, removed when the test (or its file) is over.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** Call inside a test or a describe block; the folder goes when that ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-test-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
