// What every catalogue must do about work to be done once, and about removing once. Part of `catalogue.ts`'s contract.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Catalogue, Task } from '../../src/catalogue/catalogue.ts';
import { createId } from '../../src/ids.ts';
import { arrival, newVideo } from './catalogue-samples.ts';

export function catalogueTasks(get: () => Catalogue, reopen: () => Promise<Catalogue>): void {
  async function add(): Promise<string> {
    const video = newVideo('x');
    await get().beginUpload(video);
    return video.id;
  }

  async function addTask(videoId: string, addedAtMs = 1000): Promise<Task> {
    const task = { id: createId(), kind: 'scan', videoId, addedAtMs };
    await get().addTask(task);
    return task;
  }

  const open = async () => (await get().listTasks(100)).map(({ id }) => id);

  describe('tasks', () => {
    it('are listed until they end, oldest first, each once', async () => {
      const [one, two] = [await add(), await add()];
      const tasks = [await addTask(one, 300), await addTask(two, 100), await addTask(one, 200)];
      await get().addTask({ ...tasks[0]!, kind: 'another', addedAtMs: 1 });
      const catalogue = await reopen();
      assert.deepEqual(await catalogue.listTasks(100), [tasks[1], tasks[2], tasks[0]]);
      assert.deepEqual(await catalogue.listTasks(2), [tasks[1], tasks[2]]);
      assert.equal(await catalogue.claimTask(tasks[2]!.id, 1), true);
      assert.equal((await open()).length, 3, 'what is claimed is not done');
      assert.equal(await catalogue.finishTask(tasks[2]!.id, 1, null), true);
      assert.deepEqual(await open(), [tasks[1]!.id, tasks[0]!.id]);
      await catalogue.addTask(tasks[2]!);
      assert.deepEqual(await open(), [tasks[1]!.id, tasks[0]!.id], 'what ended is not begun again');
      assert.equal((await catalogue.getVideo(one))?.status, 'arriving', 'null changes nothing');
    });

    it('make the video what was found, by the last who claimed them only', async () => {
      const catalogue = get();
      const video = await add();
      const { id } = await addTask(video);
      assert.equal(await catalogue.finishTask(id, 1, arrival), false, 'nobody claimed it');
      assert.equal(await catalogue.claimTask(id, 1), true);
      assert.equal(await catalogue.claimTask(id, 1), true, 'again does no harm');
      assert.equal(await catalogue.claimTask(id, 3), true);
      assert.equal(await catalogue.claimTask(id, 2), false);
      assert.equal(await catalogue.finishTask(id, 1, arrival), false);
      assert.equal(await catalogue.finishTask(id, 4, arrival), false);
      assert.equal((await catalogue.getVideo(video))?.status, 'arriving');
      assert.deepEqual(await open(), [id]);
      await catalogue.noteReceived(video, 7);
      assert.equal(await catalogue.finishTask(id, 3, arrival), true);
      const found = await catalogue.getVideo(video);
      assert.deepEqual([found?.status, found?.receivedBytes], ['ready', arrival.sizeBytes]);
      assert.deepEqual(found?.tracks, arrival.tracks);
      assert.deepEqual(await open(), []);
      assert.equal(await catalogue.finishTask(id, 3, arrival), true, 'again does no harm');
      assert.equal(await catalogue.finishTask(id, 2, arrival), false);
      assert.equal(await catalogue.claimTask(id, 9), false, 'it has ended');
    });

    it('go with their video, and are none of what is not there', async () => {
      const catalogue = get();
      const video = await add();
      const { id } = await addTask(video);
      await catalogue.claimTask(id, 1);
      await catalogue.forgetVideo(video);
      assert.deepEqual(await open(), []);
      assert.equal(await catalogue.finishTask(id, 1, arrival), false);
      assert.equal(await catalogue.claimTask(id, 2), false);
      await addTask(createId());
      assert.deepEqual(await open(), []);
      assert.equal(await catalogue.claimTask(createId(), 1), false);
    });

    it('are claimed by one token at a time, however many want them at once', async () => {
      const catalogue = get();
      const { id } = await addTask(await add());
      const tokens = [1, 2, 3, 4, 5, 6, 7, 8];
      await Promise.all(tokens.map((token) => catalogue.claimTask(id, token)));
      const ended = await Promise.all(tokens.map((token) => catalogue.finishTask(id, token, null)));
      assert.deepEqual(
        tokens.filter((_, i) => ended[i]),
        [8],
      );
    });
  });

  describe('the removal of a video', () => {
    it('begins where it is in the bin as it was seen, and is not taken back', async () => {
      const catalogue = get();
      const id = await add();
      assert.equal(await catalogue.startRemoval(id, 500), false, 'it is not in the bin');
      await catalogue.setBinned(id, 500);
      assert.equal(await catalogue.startRemoval(id, 499), false, 'it was put in anew');
      assert.equal(await catalogue.startRemoval(id, 500), true);
      assert.equal(await catalogue.startRemoval(id, 500), false, 'another began');
      assert.equal(await catalogue.startRemoval(id, 0), true, 'gone on with after a crash');
      for (const binnedAtMs of [null, 700]) {
        assert.equal((await catalogue.setBinned(id, binnedAtMs))?.binnedAtMs, 0);
      }
      assert.equal((await (await reopen()).getVideo(id))?.binnedAtMs, 0);
      assert.deepEqual(
        (await get().listBinnedBefore(1, 10)).map((video) => video.id),
        [id],
      );
      assert.equal(await get().startRemoval(createId(), 5), false);
    });

    it('is begun by one of many, or not at all where it is taken out first', async () => {
      const catalogue = get();
      const id = await add();
      await catalogue.setBinned(id, 500);
      const begun = await Promise.all(Array.from({ length: 8 }, () => catalogue.startRemoval(id, 500)));
      assert.equal(begun.filter(Boolean).length, 1);
      const other = await add();
      await catalogue.setBinned(other, 500);
      await catalogue.setBinned(other, null);
      assert.equal(await catalogue.startRemoval(other, 500), false);
      assert.equal((await catalogue.getVideo(other))?.binnedAtMs, null);
    });
  });
}
