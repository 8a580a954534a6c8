// What every catalogue must do about whose things are: folders, whom things are shared with, what people marked and had
// begun, how much they have, and what becomes of it when they go. Part of `catalogue.ts`'s contract.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Catalogue, Folder, GuestLink, NewVideo, Shared, Sight } from '../../src/catalogue/catalogue.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { arrival, hostileTitles, newVideo } from './catalogue-samples.ts';

const anna: Sight = { ownerIds: ['anna'], audiences: ['anna', 'household'] };
const bert: Sight = { ownerIds: ['bert'], audiences: ['bert', 'household'] };

const isNotFound = (error: unknown) => isAppError(error, 'not-found');

export function catalogueSharing(get: () => Catalogue, reopen: () => Promise<Catalogue>): void {
  async function add(title: string, rest: Partial<NewVideo> = {}): Promise<string> {
    const video = newVideo(title, { ownerId: 'anna', ...rest });
    await get().beginUpload(video);
    return video.id;
  }

  async function addFolder(name: string, rest: Partial<Folder> = {}): Promise<string> {
    const folder = { id: createId(), ownerId: 'anna', parentId: null, name, createdAtMs: 1000, ...rest };
    await get().addFolder(folder);
    return folder.id;
  }

  async function titles(sight: Sight, query = ''): Promise<string[]> {
    const { items } = await get().listVideos({ limit: 1000, after: null, query, sight });
    return items.map(({ title }) => title);
  }

  describe('folders', () => {
    it('are what was told, one within another, and found again', async () => {
      const outer = { id: createId(), ownerId: 'anna', parentId: null, name: 'Häuser "1"', createdAtMs: 5 };
      const inner = { ...outer, id: createId(), parentId: outer.id, name: 'Dach' };
      await get().addFolder(outer);
      await get().addFolder(inner);
      const catalogue = await reopen();
      assert.deepEqual(await catalogue.getFolder(outer.id), outer);
      assert.deepEqual(await catalogue.folderPath(inner.id), [outer, inner]);
      assert.deepEqual(await catalogue.listFolders(anna, null), [outer]);
      assert.deepEqual(await catalogue.listFolders(anna, outer.id), [inner]);
      assert.deepEqual(await catalogue.listFolders(bert, null), []);
      assert.deepEqual(await catalogue.listFolders(bert, outer.id), []);
      assert.deepEqual((await catalogue.ownFolders(['anna', 'bert'])).length, 2);
      assert.deepEqual(await catalogue.renameFolder(inner.id, 'Keller'), { ...inner, name: 'Keller' });
      assert.deepEqual(await catalogue.getFolder(inner.id), { ...inner, name: 'Keller' });
    });

    it('are listed by name as people read it', async () => {
      for (const name of ['part 10', 'Part 9', 'éclair', 'Zoo', 'Eclair']) await addFolder(name);
      const names = (await get().listFolders(anna, null)).map(({ name }) => name);
      assert.deepEqual(names, ['Eclair', 'éclair', 'Part 9', 'part 10', 'Zoo']);
    });

    it('suffer no write twice', async () => {
      const catalogue = get();
      const folder = { id: createId(), ownerId: 'anna', parentId: null, name: 'One', createdAtMs: 1 };
      await catalogue.addFolder(folder);
      await catalogue.addFolder({ ...folder, name: 'Other', ownerId: 'bert' });
      assert.deepEqual(await catalogue.getFolder(folder.id), folder);
      const inner = await addFolder('inner', { parentId: folder.id });
      const video = await add('x', { folderId: inner });
      const other = await addFolder('other');
      assert.deepEqual(await catalogue.moveFolder(inner, other), await catalogue.moveFolder(inner, other));
      assert.deepEqual(await catalogue.moveVideo(video, other), await catalogue.moveVideo(video, other));
      await catalogue.removeFolder(inner);
      await catalogue.removeFolder(inner);
      assert.equal((await catalogue.getVideo(video))?.folderId, other);
      assert.deepEqual((await catalogue.countInFolders([other])).get(other), { videos: 1, folders: 0 });
    });

    it('that are not there are null, nothing, or not found where one is needed', async () => {
      const catalogue = get();
      const [gone, video] = [createId(), await add('x')];
      assert.equal(await catalogue.getFolder(gone), null);
      assert.deepEqual(await catalogue.folderPath(gone), []);
      assert.deepEqual(await catalogue.listFolders(anna, gone), []);
      assert.equal(await catalogue.renameFolder(gone, 'x'), null);
      assert.equal(await catalogue.moveFolder(gone, null), null);
      assert.equal(await catalogue.moveVideo(gone, null), null);
      await catalogue.removeFolder(gone);
      await assert.rejects(addFolder('x', { parentId: gone }), isNotFound);
      await assert.rejects(add('x', { folderId: gone }), isNotFound);
      await assert.rejects(catalogue.moveVideo(video, gone), isNotFound);
      await assert.rejects(catalogue.moveFolder(await addFolder('y'), gone), isNotFound);
      assert.deepEqual(await titles(anna), ['x']);
    });

    it("of another take nothing of one's own", async () => {
      const catalogue = get();
      const [berts, own] = [await addFolder('b', { ownerId: 'bert' }), await addFolder('a')];
      const video = await add('x');
      await assert.rejects(addFolder('x', { parentId: berts }), isNotFound);
      await assert.rejects(add('y', { folderId: berts }), isNotFound);
      await assert.rejects(catalogue.moveVideo(video, berts), isNotFound);
      await assert.rejects(catalogue.moveFolder(own, berts), isNotFound);
      assert.equal((await catalogue.getVideo(video))?.folderId, null);
    });

    it('cannot lie within themselves', async () => {
      const catalogue = get();
      const outer = await addFolder('outer');
      const middle = await addFolder('middle', { parentId: outer });
      const inner = await addFolder('inner', { parentId: middle });
      for (const target of [outer, middle, inner]) {
        await assert.rejects(catalogue.moveFolder(outer, target), (error) => isAppError(error, 'conflict'));
      }
      // Two that want into each other: one of them is refused, whichever.
      const [a, b] = [await addFolder('a'), await addFolder('b')];
      const both = await Promise.allSettled([catalogue.moveFolder(a, b), catalogue.moveFolder(b, a)]);
      assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await catalogue.folderPath(inner)).length, 3);
    });

    it('that go leave what lay in them where they lay, the bin included', async () => {
      const catalogue = get();
      const outer = await addFolder('outer');
      const middle = await addFolder('middle', { parentId: outer });
      const inner = await addFolder('inner', { parentId: middle });
      const [kept, binned] = [
        await add('kept', { folderId: middle }),
        await add('bin', { folderId: middle }),
      ];
      await catalogue.setBinned(binned, 5);
      await catalogue.removeFolder(middle);
      assert.equal((await catalogue.getFolder(inner))?.parentId, outer);
      assert.equal((await catalogue.getVideo(kept))?.folderId, outer);
      assert.equal((await catalogue.getVideo(binned))?.folderId, outer);
      await catalogue.removeFolder(outer);
      await catalogue.setBinned(binned, null);
      const { items } = await catalogue.listVideos({ limit: 9, after: null, query: '', folderId: null });
      assert.deepEqual(items.map(({ id }) => id).sort(), [kept, binned].sort());
    });

    it('have any name at all', async () => {
      for (const name of hostileTitles) {
        const id = await addFolder(name);
        assert.equal((await get().getFolder(id))?.name, name);
        assert.equal((await get().renameFolder(id, `${name}!`))?.name, `${name}!`);
      }
      assert.equal((await get().listFolders(anna, null)).length, hostileTitles.length);
    });
  });

  describe('what is shared', () => {
    it('is seen by those it is shared with and nobody else, from the next list on', async () => {
      const catalogue = get();
      const id = await add('private film');
      await add('for all', { audiences: ['household', 'household'] });
      assert.deepEqual(await titles(anna), ['for all', 'private film']);
      assert.deepEqual(await titles(bert), ['for all']);
      assert.deepEqual(await titles({ ownerIds: [], audiences: ['bert'] }), []);
      assert.deepEqual(await titles({ ownerIds: [], audiences: [] }), []);
      await catalogue.setAudiences('video', id, ['bert', 'cora', 'bert']);
      assert.deepEqual(await titles(bert, 'film'), ['private film']);
      assert.deepEqual(await catalogue.getAudiences('video', id), ['bert', 'cora']);
      await catalogue.setAudiences('video', id, ['cora']);
      assert.deepEqual(await titles(bert, 'film'), []);
      assert.deepEqual(await catalogue.getSharing('video', id), { ownerId: 'anna', audiences: ['cora'] });
    });

    it('with a folder is all that lies in it, however deep, for as long as it does', async () => {
      const catalogue = get();
      const outer = await addFolder('outer');
      const inner = await addFolder('inner', { parentId: outer });
      const [here, elsewhere] = [await add('deep', { folderId: inner }), await add('elsewhere')];
      await catalogue.setAudiences('folder', outer, ['bert']);
      await catalogue.setAudiences('folder', inner, ['cora']);
      assert.deepEqual(await titles(bert), ['deep']);
      assert.deepEqual(await catalogue.getSharing('video', here), {
        ownerId: 'anna',
        audiences: ['bert', 'cora'],
      });
      assert.deepEqual(await catalogue.getAudiences('video', here), []);
      assert.deepEqual(
        (await catalogue.listFolders(bert, null)).map(({ name }) => name),
        ['outer'],
      );
      assert.deepEqual(
        (await catalogue.listFolders({ ownerIds: [], audiences: ['cora'] }, null)).map(({ name }) => name),
        ['inner'],
      );
      await catalogue.moveVideo(elsewhere, inner);
      assert.deepEqual(await titles(bert), ['elsewhere', 'deep']);
      await catalogue.moveFolder(inner, null);
      assert.deepEqual(await titles(bert), []);
      await catalogue.moveFolder(inner, outer);
      await catalogue.setAudiences('folder', outer, []);
      assert.deepEqual(await titles(bert), []);
      assert.deepEqual(await titles({ ownerIds: [], audiences: ['cora'] }), ['elsewhere', 'deep']);
    });

    it('by several ways is seen until the last of them is gone', async () => {
      const catalogue = get();
      const outer = await addFolder('outer');
      const inner = await addFolder('inner', { parentId: outer });
      const video = await add('film', { folderId: inner });
      const ways: [Shared, string][] = [
        ['folder', outer],
        ['folder', inner],
        ['video', video],
      ];
      // Each of the orders in which three ways can be opened and closed again.
      for (const [a, b, c] of ['012', '021', '102', '120', '201', '210'].map((order) =>
        [...order].map(Number),
      )) {
        const order = [ways[a!]!, ways[b!]!, ways[c!]!];
        for (const [subject, id] of order) {
          await catalogue.setAudiences(subject, id, ['bert']);
          assert.deepEqual(await titles(bert), ['film']);
        }
        for (const [at, [subject, id]] of order.entries()) {
          await catalogue.setAudiences(subject, id, []);
          assert.deepEqual(await titles(bert), at === 2 ? [] : ['film']);
        }
      }
    });

    it('of cameras is kept whether or not there is such a camera, and goes with it', async () => {
      const catalogue = get();
      const id = `camera ${createId()}`;
      assert.equal(await catalogue.getAudiences('camera', id), null);
      assert.equal(await catalogue.getSharing('camera', id), null);
      await catalogue.setAudiences('camera', id, []);
      assert.deepEqual(await catalogue.getAudiences('camera', id), []);
      await catalogue.setAudiences('camera', id, ['household', 'anna']);
      await catalogue.setAudiences('camera', id, ['household', 'anna']);
      const shared = { ownerId: null, audiences: ['anna', 'household'] };
      assert.deepEqual(await (await reopen()).getSharing('camera', id), shared);
      await get().addCamera({ id, name: 'c', driver: 'test', options: {}, addedAtMs: 1 });
      assert.deepEqual(await get().getSharing('camera', id), shared);
      await get().removeCamera(id);
      assert.equal(await get().getSharing('camera', id), null);
    });

    it('of what is not there is nothing', async () => {
      const catalogue = get();
      for (const subject of ['video', 'folder'] as Shared[]) {
        const id = createId();
        await catalogue.setAudiences(subject, id, ['bert']);
        assert.equal(await catalogue.getAudiences(subject, id), null);
        assert.equal(await catalogue.getSharing(subject, id), null);
      }
      const video = newVideo('again', { ownerId: 'anna', audiences: ['bert'] });
      await catalogue.beginUpload(video);
      await catalogue.forgetVideo(video.id);
      await catalogue.beginUpload({ ...video, audiences: [] });
      assert.deepEqual(await titles(bert), []);
    });

    it('with names that look like something else is shared with nobody but them', async () => {
      const strange = [
        '',
        '/',
        'o/anna',
        "' OR 1=1 --",
        '*',
        '%',
        '["bert"]',
        'bert\0',
        '\u202ebert',
        'x'.repeat(5000),
      ];
      const catalogue = get();
      for (const name of strange) {
        await add(`for ${strange.indexOf(name)}`, { audiences: [name] });
        await catalogue.setAudiences('folder', await addFolder('f'), [name]);
      }
      for (const name of strange) {
        const sight = { ownerIds: [], audiences: [name] };
        assert.deepEqual(await titles(sight), [`for ${strange.indexOf(name)}`]);
        assert.equal((await catalogue.listFolders(sight, null)).length, 1);
      }
      assert.deepEqual(await titles(bert), []);
      for (const name of strange) assert.deepEqual(await titles({ ownerIds: [name], audiences: [] }), []);
    });
  });

  describe('marks and what was begun', () => {
    it('are kept for each person, each mark by itself', async () => {
      const catalogue = get();
      const [one, two] = [await add('one'), await add('two')];
      await catalogue.setMarks('anna', one, { isFavourite: true });
      await catalogue.setMarks('anna', one, { isWatched: true });
      await catalogue.setMarks('bert', two, { isWatched: true });
      await catalogue.setMarks('bert', two, { isWatched: true });
      const marks = await (await reopen()).getMarks('anna', [one, two, createId()]);
      assert.deepEqual([...marks], [[one, { isFavourite: true, isWatched: true }]]);
      await get().setMarks('anna', one, { isFavourite: false });
      assert.deepEqual((await get().getMarks('anna', [one])).get(one), {
        isFavourite: false,
        isWatched: true,
      });
      await get().setMarks('anna', one, { isWatched: false });
      assert.equal((await get().getMarks('anna', [one])).size, 0);
      await get().setMarks('anna', createId(), { isFavourite: true });
      assert.equal((await get().getMarks('anna', [])).size, 0);
    });

    it('narrow a list, and go to the bin and back with their video', async () => {
      const catalogue = get();
      const [one, two] = [await add('one'), await add('two')];
      await catalogue.setMarks('anna', one, { isFavourite: true, isWatched: true });
      const marked = async (as: 'favourite' | 'watched' | 'unwatched') => {
        const request = { limit: 9, after: null, query: '', sight: anna, marked: { personId: 'anna', as } };
        return (await catalogue.listVideos(request)).items.map(({ id }) => id);
      };
      assert.deepEqual([await marked('favourite'), await marked('watched')], [[one], [one]]);
      assert.deepEqual(await marked('unwatched'), [two]);
      await catalogue.setBinned(one, 5);
      assert.deepEqual(await marked('favourite'), []);
      await catalogue.setBinned(one, null);
      assert.deepEqual(await marked('favourite'), [one]);
    });

    it('tell what to go on watching: begun, not watched, not in the bin, and still seen', async () => {
      const catalogue = get();
      const ids: Record<string, string> = {};
      for (const [at, title] of ['first', 'second', 'third', 'watched', 'binned', 'hers'].entries()) {
        ids[title] = await add(title, { ownerId: 'bert', audiences: title === 'hers' ? ['anna'] : [] });
        await catalogue.setProgress('bert', ids[title], { positionMs: 5000, updatedAtMs: 100 - at });
        await catalogue.setProgress('anna', ids[title], { positionMs: 1000, updatedAtMs: 100 + at });
      }
      await catalogue.setProgress('bert', await add('at the start', { ownerId: 'bert' }), {
        positionMs: 0,
        updatedAtMs: 200,
      });
      await catalogue.setMarks('bert', ids.watched!, { isWatched: true });
      await catalogue.setBinned(ids.binned!, 5);
      const begun = async (personId: string, sight: Sight, limit = 10) =>
        (await catalogue.listBegun(personId, sight, limit)).map(({ title }) => title);
      assert.deepEqual(await begun('bert', bert), ['first', 'second', 'third', 'hers']);
      assert.deepEqual(await begun('bert', bert, 2), ['first', 'second']);
      assert.deepEqual(await begun('anna', anna), ['hers']);
      assert.deepEqual(await begun('cora', bert), []);
      await catalogue.setMarks('bert', ids.watched!, { isWatched: false });
      await catalogue.setProgress('bert', ids.third!, { positionMs: 1, updatedAtMs: 300 });
      assert.deepEqual(await begun('bert', bert), ['third', 'first', 'second', 'watched', 'hers']);
    });

    it('are found however many were begun that cannot be seen any more', async () => {
      const catalogue = get();
      const all = await Promise.all(
        Array.from({ length: 250 }, (_, i) => add(`v ${i}`, { audiences: i === 3 ? ['bert'] : [] })),
      );
      await Promise.all(
        all.map((id, i) =>
          catalogue.setProgress('bert', id, { positionMs: 1, updatedAtMs: 7 + Math.floor(i / 40) }),
        ),
      );
      assert.deepEqual(
        (await catalogue.listBegun('bert', bert, 10)).map(({ id }) => id),
        [all[3]],
      );
    });
  });

  describe('what people have', () => {
    it('is counted to the byte, the bin and arriving ones included', async () => {
      const catalogue = get();
      const usage = async (id: string) => {
        const { videos, bytes } = await catalogue.getUsage(id);
        return [videos, bytes];
      };
      assert.deepEqual(await usage('anna'), [0, 0]);
      const announced = await add('announced', { sizeBytes: 1000 });
      const unknown = await add('unknown', { sizeBytes: null });
      assert.deepEqual(await usage('anna'), [2, 1000]);
      await catalogue.noteReceived(unknown, 700);
      await catalogue.noteReceived(announced, 300);
      assert.deepEqual(await usage('anna'), [2, 1700]);
      await catalogue.setUploadSize(unknown, 900);
      assert.deepEqual(await usage('anna'), [2, 1900]);
      await catalogue.finishUpload(unknown, { ...arrival, sizeBytes: 950 });
      assert.deepEqual(await usage('anna'), [2, 1950]);
      await catalogue.setBinned(unknown, 5);
      assert.deepEqual(await usage('anna'), [2, 1950]);
      assert.deepEqual(await usage('bert'), [0, 0]);
      await catalogue.giveVideos('anna', 'bert');
      assert.deepEqual(
        [await usage('anna'), await usage('bert')],
        [
          [0, 0],
          [2, 1950],
        ],
      );
      await catalogue.forgetVideo(unknown);
      await catalogue.forgetVideo(unknown);
      assert.deepEqual(await usage('bert'), [1, 1000]);
    });

    it('counts what is reserved for one that arrives, until it has arrived', async () => {
      const catalogue = get();
      const bytes = async () => (await catalogue.getUsage('anna')).bytes;
      const unknown = await add('unknown', { sizeBytes: null });
      assert.equal(await catalogue.reserveBytes(unknown, 800), 800);
      assert.equal(await bytes(), 800);
      assert.equal(await catalogue.reserveBytes(unknown, 500), 800);
      assert.equal(await catalogue.reserveBytes(unknown, 900), 900);
      assert.equal(await bytes(), 900);
      await catalogue.finishUpload(unknown, { ...arrival, sizeBytes: 650 });
      assert.equal(await bytes(), 650);
      assert.equal(await catalogue.reserveBytes(unknown, 2000), 650);
      assert.equal(await catalogue.reserveBytes('00000000000000zz', 2000), 0);
      assert.equal(await bytes(), 650);
    });

    it('can be given to another, folders and shares with it, a thousand videos at a time', async () => {
      const catalogue = get();
      const folder = await addFolder('f');
      await catalogue.setAudiences('folder', folder, ['cora']);
      const ids = await Promise.all(
        Array.from({ length: 1003 }, (_, i) =>
          add(`v ${i}`, { folderId: i % 2 ? folder : null, audiences: ['dora', 'emil'] }),
        ),
      );
      await catalogue.setBinned(ids[0]!, 5);
      assert.equal(await catalogue.giveVideos('anna', 'anna'), 0);
      assert.equal(await catalogue.giveVideos('anna', 'bert'), 3);
      assert.equal(await catalogue.giveVideos('anna', 'bert'), 0);
      assert.equal(await catalogue.giveVideos('anna', 'bert'), 0);
      assert.equal((await catalogue.getFolder(folder))?.ownerId, 'bert');
      assert.deepEqual([(await titles(anna)).length, (await titles(bert)).length], [0, 1000]);
      assert.equal((await catalogue.getVideo(ids[0]!))?.ownerId, 'bert');
      assert.equal((await catalogue.getUsage('bert')).videos, 1003);
      assert.equal((await titles({ ownerIds: [], audiences: ['cora'] })).length, 501);
      // So many that they are forgotten a thousand at a time, too, of whom they were shared with.
      await catalogue.forgetPerson('dora');
      for (const inBin of [false, true]) {
        const shared = { query: '', inBin, sight: { ownerIds: [], audiences: ['dora'] } };
        assert.deepEqual((await catalogue.listVideos({ ...shared, limit: 1, after: null })).items, []);
      }
      assert.equal((await titles({ ownerIds: [], audiences: ['emil'] })).length, 1000);
    });

    it('stays when they are forgotten; what was theirs alone, and shared with them, does not', async () => {
      const catalogue = get();
      const folder = await addFolder('f');
      const inner = await addFolder('g', { parentId: folder });
      const camera = `camera ${createId()}`;
      const own = await add('own', { ownerId: 'bert' });
      const shares = [['bert', 'cora'], ['household'], ['bert']];
      const ids = await Promise.all(
        shares.map((audiences, i) => add(`s ${i}`, { audiences, folderId: inner })),
      );
      await catalogue.setAudiences('folder', folder, ['bert', 'cora']);
      await catalogue.setAudiences('camera', camera, ['bert', 'cora']);
      await catalogue.setProgress('bert', own, { positionMs: 5, updatedAtMs: 5 });
      await catalogue.setMarks('bert', own, { isFavourite: true });
      await catalogue.setMarks('anna', own, { isFavourite: true });
      await catalogue.forgetPerson('bert');
      await catalogue.forgetPerson('bert');
      assert.deepEqual(await titles({ ownerIds: ['bert'], audiences: ['bert'] }), ['own']);
      assert.equal((await titles({ ownerIds: [], audiences: ['cora'] })).length, 3);
      assert.deepEqual(await catalogue.getAudiences('video', ids[0]!), ['cora']);
      assert.deepEqual(await catalogue.getAudiences('folder', folder), ['cora']);
      assert.deepEqual(await catalogue.getAudiences('camera', camera), ['cora']);
      assert.equal((await catalogue.getProgress('bert', [own])).size, 0);
      assert.equal((await catalogue.getMarks('bert', [own])).size, 0);
      assert.equal((await catalogue.getMarks('anna', [own])).size, 1);
      const request = {
        limit: 9,
        after: null,
        query: '',
        marked: { personId: 'bert', as: 'favourite' as const },
      };
      assert.deepEqual((await catalogue.listVideos(request)).items, []);
      await catalogue.forgetPerson('household');
      assert.deepEqual(await titles({ ownerIds: [], audiences: ['household'] }), ['s 1']);
    });
  });

  it('the revision moves with every change of who may see what, and with nothing else', async () => {
    const catalogue = get();
    const [video, folder, inner] = [await add('x'), await addFolder('f'), await addFolder('g')];
    const camera = `camera ${createId()}`;
    const link: GuestLink = { ...sampleLink, id: createId(), secretHash: createId(), subjectId: video };
    let last = catalogue.accessRevision();
    const moved = () => {
      const now = catalogue.accessRevision();
      const isMoved = now !== last;
      last = now;
      return isMoved;
    };
    const changes: [string, () => Promise<unknown>][] = [
      ['a video is shared', () => catalogue.setAudiences('video', video, ['bert'])],
      ['a folder is shared', () => catalogue.setAudiences('folder', folder, ['bert'])],
      ['a camera is shared', () => catalogue.setAudiences('camera', camera, ['bert'])],
      ['a camera is shared with nobody', () => catalogue.setAudiences('camera', camera, [])],
      ['a video moves', () => catalogue.moveVideo(video, folder)],
      ['a folder moves', () => catalogue.moveFolder(inner, folder)],
      ['a folder goes', () => catalogue.removeFolder(inner)],
      ['a link is made', () => catalogue.addLink(link)],
      ['a link ends', () => catalogue.removeLink(link.id)],
      ['a video is binned', () => catalogue.setBinned(video, 5)],
      ['videos are given', () => catalogue.giveVideos('anna', 'bert')],
      ['somebody is forgotten', () => catalogue.forgetPerson('bert')],
      ['a video goes', () => catalogue.forgetVideo(video)],
    ];
    for (const [name, change] of changes) {
      await change();
      assert.ok(moved(), name);
    }
    const other = await add('y');
    await catalogue.setProgress('anna', other, { positionMs: 1, updatedAtMs: 1 });
    await catalogue.setMarks('anna', other, { isWatched: true });
    await catalogue.renameVideo(other, 'z');
    await catalogue.setAudiences('video', other, []);
    assert.ok(!moved(), 'what changes nothing of it');
  });

  it('a thing asked about again and again is shared as it is then', async () => {
    const catalogue = get();
    const folder = await addFolder('f');
    const video = await add('x', { folderId: folder });
    for (const audiences of [['bert'], [], ['cora', 'household']]) {
      await catalogue.setAudiences('folder', folder, audiences);
      for (let i = 0; i < 2; i++) {
        assert.deepEqual((await catalogue.getSharing('video', video))?.audiences, audiences);
      }
    }
    await catalogue.forgetVideo(video);
    assert.equal(await catalogue.getSharing('video', video), null);
  });
}

const sampleLink: Omit<GuestLink, 'id' | 'secretHash'> = {
  ...{ subject: 'video', subjectId: 'x', startSeconds: null, endSeconds: null, createdBy: 'anna' },
  ...{ createdAtMs: 1000, note: '', expiresAtMs: null, passwordHash: null, maxVisits: null, visits: 0 },
  allowsDownload: false,
};
