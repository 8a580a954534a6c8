// The lock on the data folder, between two real processes.
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { lockDataFolder } from '../../src/data-lock.ts';
import { isAppError } from '../../src/errors.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

/** A process that holds the folder (or has told why not). */
async function holder(folder: string): Promise<{ child: ChildProcess; answer: string }> {
  const child = fork(join(import.meta.dirname, 'locking-process.ts'), [folder]);
  const [answer] = await once(child, 'message');
  return { child, answer };
}

describe('The data folder', () => {
  it('is refused to a second process, which is told who has it', async () => {
    const folder = await temporaryFolder();
    const { child, answer } = await holder(folder);
    assert.equal(answer, 'locked');
    await assert.rejects(
      lockDataFolder(folder),
      (error) => isAppError(error, 'conflict') && error.message.includes(`process ${child.pid}`),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('is free again the moment its process is killed', async () => {
    const folder = await temporaryFolder();
    for (let i = 0; i < 3; i++) {
      const { child, answer } = await holder(folder);
      assert.equal(answer, 'locked');
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    (await lockDataFolder(folder)).release();
  });

  it('is refused within the process too, until it is released', async () => {
    const folder = await temporaryFolder();
    const lock = await lockDataFolder(folder);
    await assert.rejects(lockDataFolder(folder), (error) => isAppError(error, 'conflict'));
    const refused = await holder(folder);
    assert.match(refused.answer, new RegExp(`^conflict .*process ${process.pid}`));
    lock.release();
    lock.release();
    const taken = await holder(folder);
    assert.equal(taken.answer, 'locked');
    taken.child.kill('SIGKILL');
    await once(taken.child, 'exit');
  });

  it('that is no folder is told in a sentence', async () => {
    const file = join(await temporaryFolder(), 'file');
    await writeFile(file, '');
    await assert.rejects(lockDataFolder(file), (error) => isAppError(error, 'unavailable'));
  });
});
