// What every catalogue must do. Run by each adapter's own test file with a way to make one, and to open what it left a
// second time.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Catalogue, StoredCamera, Video } from '../../src/catalogue/catalogue.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { catalogueLinks } from './catalogue-links.ts';
import { catalogueProperties } from './catalogue-property.ts';
import { arrival, hostileTitles, newVideo } from './catalogue-samples.ts';
import { catalogueSharing } from './catalogue-sharing.ts';
import { catalogueTasks } from './catalogue-tasks.ts';

export type CatalogueUnderTest = {
  catalogue: Catalogue;
  /** Closes the catalogue and opens the same data anew, as a restart does. */
  reopen(): Promise<Catalogue>;
  /** Takes out all videos at once, where one at a time takes long. */
  takeOut?(): Promise<void>;
  /** Removes everything. */
  dispose(): Promise<void>;
};

/** Everybody who has folders in these tests. */
const owners = ['household', 'anna', 'bert', 'cora'];

/** @param propertyRuns how many catalogues are tried with whatever may be done to them */
export function catalogueContract(
  name: string,
  make: () => Promise<CatalogueUnderTest>,
  propertyRuns = 90,
): void {
  describe(`${name} keeps the catalogue's contract`, () => {
    let test: CatalogueUnderTest;
    let catalogue: Catalogue;
    before(async () => {
      test = await make();
      catalogue = test.catalogue;
    });
    after(async () => {
      await catalogue.close();
      await test.dispose();
    });
    async function empty(): Promise<void> {
      const ids: string[] = [];
      for await (const video of catalogue.streamVideos({ query: '', inBin: 'both' })) ids.push(video.id);
      if (test.takeOut && ids.length > 50) await test.takeOut();
      else await Promise.all(ids.map((id) => catalogue.forgetVideo(id)));
      for (const folder of await catalogue.ownFolders(owners)) await catalogue.removeFolder(folder.id);
      for (const link of await catalogue.listLinks({})) await catalogue.removeLink(link.id);
      for (const camera of await catalogue.listCameras()) await catalogue.removeCamera(camera.id);
      assert.equal(await catalogue.countVideos(), 0);
    }
    /** Each test has an empty catalogue. */
    beforeEach(empty);

    async function add(title: string): Promise<string> {
      const video = newVideo(title);
      await catalogue.beginUpload(video);
      return video.id;
    }

    async function titles(query: string, inBin = false): Promise<string[]> {
      const { items } = await catalogue.listVideos({ limit: 1000, after: null, query, inBin });
      return items.map((video) => video.title);
    }

    async function pages(query: string, limit: number, inBin = false): Promise<Video[][]> {
      const found: Video[][] = [];
      for (let next: string | null = null, isFirst = true; isFirst || next !== null; isFirst = false) {
        const page = await catalogue.listVideos({ limit, after: next, query, inBin });
        found.push([...page.items]);
        next = page.next;
        assert.ok(found.length < 1000, 'the pages do not end');
      }
      return found;
    }

    describe('a video', () => {
      it('arrives and is what was told', async () => {
        const video = newVideo('Holiday', { uploadMetadata: 'filename SG9saWRheQ==' });
        await catalogue.beginUpload(video);
        const { audiences: _, ...given } = video;
        const arriving: Video = {
          ...given,
          status: 'arriving',
          reason: null,
          receivedBytes: 0,
          durationMs: null,
          container: null,
          tracks: [],
          playback: { viewType: null, originalType: null },
          indexId: null,
          binnedAtMs: null,
        };
        assert.deepEqual(await catalogue.getVideo(video.id), arriving);
        await catalogue.setUploadSize(video.id, 5000);
        await catalogue.noteReceived(video.id, 4000);
        assert.deepEqual(await catalogue.getVideo(video.id), {
          ...arriving,
          sizeBytes: 5000,
          receivedBytes: 4000,
        });
        assert.equal((await catalogue.listArriving())[0]?.receivedBytes, 4000);
        const ready = { ...arriving, ...arrival, receivedBytes: 5000 };
        assert.deepEqual(await catalogue.finishUpload(video.id, arrival), ready);
        assert.deepEqual(await catalogue.getVideo(video.id), ready);
        assert.deepEqual((await catalogue.listVideos({ limit: 1, after: null, query: '' })).items[0], ready);
        catalogue = await test.reopen();
        assert.deepEqual(await catalogue.getVideo(video.id), ready);
      });

      it('that is not there is null, or not found where one is needed', async () => {
        const id = createId();
        assert.equal(await catalogue.getVideo(id), null);
        assert.equal(await catalogue.renameVideo(id, 'x'), null);
        assert.equal(await catalogue.setBinned(id, 5), null);
        await catalogue.noteReceived(id, 5);
        await catalogue.setUploadSize(id, 5);
        await catalogue.forgetVideo(id);
        await catalogue.setProgress('household', id, { positionMs: 1, updatedAtMs: 1 });
        await assert.rejects(catalogue.finishUpload(id, arrival), (error) => isAppError(error, 'not-found'));
        await assert.rejects(catalogue.replaceIndex(id, arrival), (error) => isAppError(error, 'not-found'));
        assert.equal(await catalogue.getVideo(id), null);
      });

      it('suffers no write twice', async () => {
        const video = newVideo('First title');
        await catalogue.beginUpload(video);
        await catalogue.beginUpload({ ...video, title: 'Another title' });
        assert.deepEqual(await titles(''), ['First title']);
        assert.deepEqual(await titles('another'), []);
        const finished = await catalogue.finishUpload(video.id, arrival);
        await catalogue.beginUpload(video);
        await catalogue.noteReceived(video.id, 3);
        await catalogue.setUploadSize(video.id, 3);
        assert.deepEqual(await catalogue.finishUpload(video.id, arrival), finished);
        const renamed = await catalogue.renameVideo(video.id, 'New title');
        assert.deepEqual(await catalogue.renameVideo(video.id, 'New title'), renamed);
        const binned = await catalogue.setBinned(video.id, 77);
        assert.deepEqual(await catalogue.setBinned(video.id, 77), binned);
        assert.deepEqual(await titles('new', true), ['New title']);
        await catalogue.forgetVideo(video.id);
        await catalogue.forgetVideo(video.id);
        assert.deepEqual(await titles('new', true), []);
        assert.equal(await catalogue.countVideos(), 0);
      });

      it('gets a new index and keeps its title, its place and the bin', async () => {
        const id = await add('One');
        await add('Two');
        await catalogue.finishUpload(id, arrival);
        await catalogue.renameVideo(id, 'Renamed');
        await catalogue.setBinned(id, 5);
        const video = await catalogue.replaceIndex(id, {
          ...arrival,
          status: 'unplayable',
          reason: 'Its sound is AC-3.',
          indexId: null,
          durationMs: null,
        });
        assert.equal(video.title, 'Renamed');
        assert.equal(video.status, 'unplayable');
        assert.equal(video.reason, 'Its sound is AC-3.');
        assert.equal(video.binnedAtMs, 5);
        assert.equal(video.indexId, null);
      });

      it('asked for again and again, is told as it is then', async () => {
        const video = newVideo('one');
        await catalogue.beginUpload(video);
        for (const title of ['two', 'three', 'four']) {
          const before = await catalogue.getVideo(video.id);
          assert.deepEqual(await catalogue.getVideo(video.id), before);
          await catalogue.renameVideo(video.id, title);
          assert.equal((await catalogue.getVideo(video.id))?.title, title);
        }
        await catalogue.forgetVideo(video.id);
        assert.equal(await catalogue.getVideo(video.id), null);
      });

      it('that arrives is found at a restart, and only that', async () => {
        const [arriving, finished] = [await add('Arriving'), await add('Finished')];
        await catalogue.finishUpload(finished, arrival);
        catalogue = await test.reopen();
        assert.deepEqual(
          (await catalogue.listArriving()).map((video) => video.id),
          [arriving],
        );
      });

      it('goes into the bin and comes back to its place', async () => {
        const ids = [await add('a one'), await add('a two'), await add('a three')];
        await catalogue.setBinned(ids[1]!, 1000);
        assert.deepEqual(await titles(''), ['a three', 'a one']);
        assert.deepEqual(await titles('a'), ['a three', 'a one']);
        assert.deepEqual(await titles('', true), ['a two']);
        assert.deepEqual(await titles('tw', true), ['a two']);
        assert.deepEqual(await titles('three', true), []);
        assert.equal(await catalogue.countVideos(), 2);
        assert.equal((await catalogue.getVideo(ids[1]!))?.binnedAtMs, 1000);
        await catalogue.setBinned(ids[1]!, null);
        assert.deepEqual(await titles('a'), ['a three', 'a two', 'a one']);
        assert.equal(await catalogue.countVideos(), 3);
      });

      it('is told when it has been in the bin for long', async () => {
        for (const binnedAtMs of [300, 100, 200, 400]) await catalogue.setBinned(await add('x'), binnedAtMs);
        await add('not binned');
        const before = async (ms: number, limit: number) =>
          (await catalogue.listBinnedBefore(ms, limit)).map((video) => video.binnedAtMs).sort();
        assert.deepEqual(await before(300, 10), [100, 200]);
        assert.equal((await before(1000, 3)).length, 3);
        assert.deepEqual(await before(100, 10), []);
      });
    });

    describe('the list', () => {
      it('is newest first, in pages that make up the whole, of any size', async () => {
        for (let i = 0; i < 25; i++) await add(`video ${i}`);
        const expected = Array.from({ length: 25 }, (_, i) => `video ${24 - i}`);
        for (const query of ['', 'video']) {
          for (const limit of [1, 7, 24, 25, 26, 1000]) {
            const found = await pages(query, limit);
            assert.deepEqual(
              found.flat().map((video) => video.title),
              expected,
            );
            assert.equal(found.length, Math.ceil(25 / limit));
          }
        }
      });

      it('keeps those that were added in one millisecond in one order', async () => {
        for (let i = 0; i < 20; i++) await catalogue.beginUpload(newVideo('tie', { addedAtMs: 1e12 }));
        const whole = (await pages('', 1000)).flat().map((video) => video.id);
        assert.equal(new Set(whole).size, 20);
        assert.deepEqual(
          (await pages('tie', 3)).flat().map((video) => video.id),
          whole,
        );
      });

      it('repeats and loses nothing when videos come and go between two pages', async () => {
        const ids: string[] = [];
        for (let i = 0; i < 30; i++) ids.push(await add(`old ${i}`));
        for (const query of ['', 'old']) {
          const seen: string[] = [];
          let next: string | null = null;
          const gone = new Set<string>();
          do {
            const page = await catalogue.listVideos({ limit: 4, after: next, query });
            seen.push(...page.items.map((video) => video.id));
            next = page.next;
            await add(`old news ${seen.length}`);
            // The last one of the page goes: its place must still be one.
            const last = page.items.at(-1)!.id;
            if (gone.size < 3 && ids.includes(last)) {
              gone.add(last);
              await catalogue.forgetVideo(last);
            }
          } while (next !== null);
          const expected = ids.toReversed().filter((id) => seen.includes(id));
          assert.deepEqual(
            seen.filter((id) => ids.includes(id)),
            expected,
          );
          assert.equal(new Set(seen).size, seen.length);
          for (const id of gone) ids.splice(ids.indexOf(id), 1);
          for (const id of ids) assert.ok(seen.includes(id));
        }
      });

      it('refuses a place or a limit that is none', async () => {
        for (let i = 0; i < 3; i++) await add('x');
        const { next } = await catalogue.listVideos({ limit: 1, after: null, query: '' });
        assert.ok(next);
        for (const after of [
          '',
          'x',
          '5',
          `${next}0`,
          next.slice(1),
          '"',
          '\0',
          '../',
          'x'.repeat(100_000),
        ]) {
          await assert.rejects(
            catalogue.listVideos({ limit: 1, after, query: '' }),
            (error) => isAppError(error, 'bad-request'),
            after,
          );
        }
        for (const limit of [0, -1, 1001, 1.5, Number.NaN]) {
          await assert.rejects(catalogue.listVideos({ limit, after: null, query: '' }), (error) =>
            isAppError(error, 'bad-request'),
          );
        }
      });

      it('streams whole, the bin where asked, while videos come and go', async () => {
        // Writes that are called in order are done in order.
        const ids = await Promise.all(
          Array.from({ length: 450 }, (_, i) => add(`stream ${i % 2 ? 'odd' : 'even'}`)),
        );
        await Promise.all(ids.slice(0, 10).map((id) => catalogue.setBinned(id, 5)));
        const count = async (query: string, inBin: boolean | 'both') => {
          const seen = new Set<string>();
          for await (const video of catalogue.streamVideos({ query, inBin })) {
            assert.ok(!seen.has(video.id));
            seen.add(video.id);
          }
          return seen.size;
        };
        assert.equal(await count('', false), 440);
        assert.equal(await count('', true), 10);
        assert.equal(await count('', 'both'), 450);
        assert.equal(await count('odd', false), 220);
        assert.equal(await count('odd', 'both'), 225);
        const seen: string[] = [];
        for await (const video of catalogue.streamVideos({ query: '', inBin: false })) {
          seen.push(video.id);
          if (seen.length % 50 === 0) await add('stream new');
          if (seen.length === 60) await catalogue.forgetVideo(seen[10]!);
        }
        assert.deepEqual(seen, ids.slice(10).reverse());
      });
    });

    describe('the search', () => {
      const examples: [title: string, found: string[], missed: string[]][] = [
        [
          'Summer Holiday 2024.mkv',
          ['summer', 'HOL', 's h 2', '2024 sum', 'mkv', '20'],
          ['ummer', '024', 'summers'],
        ],
        ['Élan vital — Über Straße', ['elan', 'ÉLAN', 'uber', 'strasse', 'STRAẞE', 'e\u0301l'], ['lan']],
        ['Ælfred og Øyvind Łódź', ['aelf', 'oyv', 'lodz'], ['lf']],
        ['İstanbul ışık', ['istanbul', 'isik', 'ISIK'], ['stanbul']],
        ['ΟΔΟΣ Οδυσσέας', ['οδοσ', 'οδος', 'οδυσσεας'], ['δος']],
        ['東京タワー', ['東', '京', '東京', 'タワ'], ['大']],
        ['한국 여행', ['한국', '한', '여'], ['국행']],
        ['Привет Ёлка', ['привет', 'елка', 'ПРИ'], ['ривет']],
        ['हिन्दी फ़िल्म', ['हिन्दी', 'फ़िल्म'], ['xyz']],
        ['ﬁlm ２０２４ x²', ['film', '2024', 'x2'], ['f1']],
        ['IMG_0001-final(2)', ['img', '0001', 'final', '2'], ['mg']],
        [`${'long'.repeat(30)}`, ['long'.repeat(30), 'long'.repeat(9), 'longl'], ['longx']],
      ];
      for (const [title, found, missed] of examples) {
        it(`finds ${JSON.stringify(title.slice(0, 30))} by the beginnings of its words only`, async () => {
          await add('quite xylem jjj');
          await add(title);
          for (const query of found) assert.deepEqual(await titles(query), [title], query);
          for (const query of missed) assert.deepEqual(await titles(query), [], query);
        });
      }

      it('follows a new title', async () => {
        const id = await add('before common');
        await catalogue.renameVideo(id, 'after common');
        assert.deepEqual(await titles('before'), []);
        assert.deepEqual(await titles('after com'), ['after common']);
      });

      it('finds every video for a query without words', async () => {
        await add('one');
        for (const query of ['', '   ', '!?"*', '\0', '\ud800'])
          assert.deepEqual(await titles(query), ['one']);
      });

      it('takes hostile titles and queries for what they are: text', async () => {
        for (const title of hostileTitles) {
          const id = await add(title);
          assert.equal((await catalogue.getVideo(id))?.title, title);
          assert.equal((await catalogue.renameVideo(id, `${title}!`))?.title, `${title}!`);
          await catalogue.renameVideo(id, title);
        }
        assert.deepEqual(await titles(''), hostileTitles.toReversed());
        for (const query of hostileTitles) await titles(query);
        assert.deepEqual(await titles('"AND* NEAR('), ['"AND* NEAR(']);
        assert.deepEqual(await titles('drop tab'), [`'); DROP TABLE videos; --`]);
        const id = await add('lone \ud800 half');
        assert.equal((await catalogue.getVideo(id))?.title, 'lone \ufffd half');
        assert.equal((await catalogue.renameVideo(id, '\udfff'))?.title, '\ufffd');
      });
    });

    describe('progress', () => {
      it('is remembered for each person and video, the newest only', async () => {
        const [one, two] = [await add('one'), await add('two')];
        await catalogue.setProgress('household', one, { positionMs: 1500.5, updatedAtMs: 100 });
        await catalogue.setProgress('household', one, { positionMs: 900, updatedAtMs: 90 });
        await catalogue.setProgress('someone', one, { positionMs: 7, updatedAtMs: 5 });
        const found = await catalogue.getProgress('household', [one, two, createId(), one]);
        assert.deepEqual([...found], [[one, { positionMs: 1500.5, updatedAtMs: 100 }]]);
        await catalogue.setProgress('household', one, { positionMs: 3, updatedAtMs: 100 });
        await catalogue.setProgress('household', two, { positionMs: 4, updatedAtMs: 1 });
        const again = await catalogue.getProgress('household', [two, one]);
        assert.equal(again.get(one)?.positionMs, 3);
        assert.equal(again.get(two)?.positionMs, 4);
        assert.equal((await catalogue.getProgress('household', [])).size, 0);
        assert.equal((await catalogue.getProgress('nobody', [one])).size, 0);
      });

      it('goes with its video', async () => {
        const video = newVideo('x');
        await catalogue.beginUpload(video);
        await catalogue.setProgress('household', video.id, { positionMs: 1, updatedAtMs: 1 });
        await catalogue.forgetVideo(video.id);
        await catalogue.beginUpload(video);
        assert.equal((await catalogue.getProgress('household', [video.id])).size, 0);
      });
    });

    describe('cameras', () => {
      const camera: StoredCamera = {
        id: 'door',
        name: 'Front "door"',
        driver: 'mjpeg',
        options: { url: 'http://192.0.2.1/', fps: 5, nested: { list: [1, null, 'x'] } },
        addedAtMs: 1000,
      };

      it('are added once, listed as they are and removed', async () => {
        await catalogue.addCamera(camera);
        await catalogue.addCamera(camera);
        await catalogue.addCamera({ ...camera, id: 'yard', addedAtMs: 2000 });
        await assert.rejects(catalogue.addCamera({ ...camera, name: 'Back door' }), (error) =>
          isAppError(error, 'conflict'),
        );
        catalogue = await test.reopen();
        assert.deepEqual(await catalogue.listCameras(), [camera, { ...camera, id: 'yard', addedAtMs: 2000 }]);
        assert.equal(await catalogue.removeCamera('door'), true);
        assert.equal(await catalogue.removeCamera('door'), false);
        assert.deepEqual(
          (await catalogue.listCameras()).map(({ id }) => id),
          ['yard'],
        );
      });
    });

    it('changes a camera whole, keeps when it was added, and says where there is none', async () => {
      const { addedAtMs, ...gate } = { id: 'gate', name: 'Gate', driver: 'push', options: {}, addedAtMs: 7 };
      await catalogue.addCamera({ ...gate, addedAtMs });
      const changed = {
        ...gate,
        name: 'Old gate',
        driver: 'mjpeg',
        options: { password: { sealed: 'AA==' } },
      };
      assert.equal(await catalogue.updateCamera(changed), true);
      assert.equal(await catalogue.updateCamera(changed), true, 'again does no harm');
      assert.equal(await catalogue.updateCamera({ ...changed, id: 'attic' }), false);
      catalogue = await test.reopen();
      assert.deepEqual(await catalogue.listCameras(), [{ ...changed, addedAtMs }]);
    });

    it('takes many writes at once, refuses one without harm to the others, and shows each when it is told', async () => {
      await catalogue.addCamera({ id: 'c', name: 'c', driver: 'test', options: {}, addedAtMs: 1 });
      const writes = Array.from({ length: 300 }, async (_, i) => {
        if (i % 3 === 0) {
          await assert.rejects(
            catalogue.addCamera({ id: 'c', name: `${i}`, driver: 'test', options: {}, addedAtMs: 1 }),
          );
          return;
        }
        const id = await add(`many ${i}`);
        assert.ok(await catalogue.getVideo(id));
        assert.deepEqual(await titles(`many ${i}`).then((found) => found.includes(`many ${i}`)), true);
      });
      await Promise.all(writes);
      assert.equal(await catalogue.countVideos(), 200);
    });

    catalogueSharing(
      () => catalogue,
      async () => {
        catalogue = await test.reopen();
        return catalogue;
      },
    );
    catalogueLinks(
      () => catalogue,
      async () => {
        catalogue = await test.reopen();
        return catalogue;
      },
    );
    catalogueTasks(
      () => catalogue,
      async () => {
        catalogue = await test.reopen();
        return catalogue;
      },
    );
    catalogueProperties(() => catalogue, empty, propertyRuns);

    it('answers a ping while it is open and nothing once it is closed', async () => {
      await catalogue.ping();
      await catalogue.close();
      await catalogue.close();
      await assert.rejects(catalogue.ping(), (error) => isAppError(error, 'unavailable'));
      await assert.rejects(catalogue.getVideo(createId()), (error) => isAppError(error, 'unavailable'));
      await assert.rejects(add('x'), (error) => isAppError(error, 'unavailable'));
      catalogue = await test.reopen();
      await catalogue.ping();
    });
  });
}
