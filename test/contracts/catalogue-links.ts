// What every catalogue must do about guest links and the audit log. Part of `catalogue.ts`'s contract.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditNote, Catalogue, GuestLink } from '../../src/catalogue/catalogue.ts';
import { isAppError } from '../../src/errors.ts';
import { createId } from '../../src/ids.ts';
import { newVideo } from './catalogue-samples.ts';

export function catalogueLinks(get: () => Catalogue, reopen: () => Promise<Catalogue>): void {
  function newLink(rest: Partial<GuestLink> = {}): GuestLink {
    return {
      ...{
        id: createId(),
        secretHash: `${createId()}${createId()}`,
        subject: 'video',
        subjectId: createId(),
      },
      ...{ startSeconds: 1.5, endSeconds: null, createdBy: 'anna', createdAtMs: 1000, note: 'für "Oma"\0' },
      ...{ expiresAtMs: 5000, passwordHash: 'scrypt$x', maxVisits: 2, visits: 0, allowsDownload: true },
      ...rest,
    };
  }

  describe('guest links', () => {
    it('are what was told, found by id and by secret', async () => {
      const link = newLink();
      await get().addLink(link);
      await get().addLink(link);
      const catalogue = await reopen();
      assert.deepEqual(await catalogue.getLink(link.id), link);
      assert.deepEqual(await catalogue.findLink(link.secretHash), link);
      assert.equal(await catalogue.getLink(link.secretHash), null);
      assert.equal(await catalogue.findLink(link.id), null);
      assert.equal(await catalogue.findLink(''), null);
      for (const other of [newLink({ id: link.id }), newLink({ secretHash: link.secretHash })]) {
        await assert.rejects(catalogue.addLink(other), (error) => isAppError(error, 'conflict'));
      }
      assert.deepEqual(await catalogue.listLinks({}), [link]);
    });

    it('are listed of a person, of a thing, of both, newest first', async () => {
      const catalogue = get();
      const subjectId = createId();
      const links = [
        newLink({ subjectId, createdAtMs: 1 }),
        newLink({ subjectId, createdAtMs: 3, createdBy: 'bert' }),
        newLink({ subjectId, createdAtMs: 2, subject: 'folder' }),
        newLink({ createdAtMs: 2 }),
      ];
      for (const link of links) await catalogue.addLink(link);
      const listed = async (request: Parameters<Catalogue['listLinks']>[0]) =>
        (await catalogue.listLinks(request)).map((link) => links.findIndex(({ id }) => id === link.id));
      assert.deepEqual(await listed({ subjectId, subject: 'video' }), [1, 0]);
      assert.deepEqual(await listed({ createdBy: 'anna' }), [3, 2, 0]);
      assert.deepEqual(await listed({ createdBy: 'anna', subjectId, subject: 'folder' }), [2]);
      assert.deepEqual(await listed({ createdBy: 'nobody' }), []);
    });

    it('let in as many as they say, each once', async () => {
      const catalogue = get();
      const link = newLink();
      await catalogue.addLink(link);
      assert.equal(await catalogue.countVisit(link.id, 'one'), true);
      assert.equal(await catalogue.countVisit(link.id, 'one'), true);
      assert.equal(await catalogue.countVisit(link.id, 'two'), true);
      assert.equal(await catalogue.countVisit(link.id, 'three'), false);
      assert.equal(await catalogue.countVisit(link.id, 'two'), true);
      assert.equal((await catalogue.getLink(link.id))?.visits, 2);
      await catalogue.addLink(link);
      assert.equal(
        (await catalogue.getLink(link.id))?.visits,
        2,
        'added again, its visitors are not forgotten',
      );
      assert.equal(await catalogue.countVisit(createId(), 'one'), false);
      const endless = newLink({ maxVisits: null });
      await catalogue.addLink(endless);
      const many = await Promise.all(
        Array.from({ length: 50 }, (_, i) => catalogue.countVisit(endless.id, `${i % 25}`)),
      );
      assert.ok(many.every(Boolean));
      assert.equal((await catalogue.getLink(endless.id))?.visits, 25);
      const last = newLink({ maxVisits: 1 });
      await catalogue.addLink(last);
      const race = await Promise.all(
        Array.from({ length: 9 }, (_, i) => catalogue.countVisit(last.id, `${i}`)),
      );
      assert.equal(race.filter(Boolean).length, 1);
    });

    it('end, and end with what they lead to and who gave them', async () => {
      const catalogue = get();
      const video = newVideo('x', { ownerId: 'anna' });
      const folder = { id: createId(), ownerId: 'anna', parentId: null, name: 'f', createdAtMs: 1 };
      const camera = { id: createId(), name: 'c', driver: 'test', options: {}, addedAtMs: 1 };
      await Promise.all([
        catalogue.beginUpload(video),
        catalogue.addFolder(folder),
        catalogue.addCamera(camera),
      ]);
      const links = [
        newLink(),
        newLink({ subjectId: video.id }),
        newLink({ subject: 'folder', subjectId: folder.id }),
        newLink({ subject: 'camera', subjectId: camera.id }),
        newLink({ createdBy: 'bert' }),
        newLink(),
      ] as const;
      for (const link of links) await catalogue.addLink(link);
      assert.equal(await catalogue.removeLink(links[0].id), true);
      assert.equal(await catalogue.removeLink(links[0].id), false);
      await catalogue.forgetVideo(video.id);
      await catalogue.removeFolder(folder.id);
      await catalogue.removeCamera(camera.id);
      await catalogue.forgetPerson('bert');
      assert.deepEqual(await catalogue.listLinks({}), [links[5]]);
      for (const link of links.slice(0, 5)) {
        assert.equal(await catalogue.findLink(link.secretHash), null);
        assert.equal(await catalogue.countVisit(link.id, 'x'), false);
      }
    });
  });

  describe('the audit log', () => {
    it('keeps each note once and gives them newest first', async () => {
      const catalogue = get();
      const notes: AuditNote[] = [300, 100, 200, 200].map((atMs, i) => ({
        ...{ id: createId(), atMs: 1e12 + atMs, personId: i === 0 ? null : 'anna' },
        ...{ personName: 'Ännä <b>', action: 'video-shared', subject: `'); -- ${i}`, address: '::1' },
      }));
      for (const note of notes) await catalogue.noteAudit(note);
      await catalogue.noteAudit({ ...notes[0]!, subject: 'forged' });
      const again = await reopen();
      assert.deepEqual(await again.listAudit(1e12 + 1000, 4), [notes[0], notes[3], notes[2], notes[1]]);
      assert.deepEqual(await again.listAudit(1e12 + 1000, 2), [notes[0], notes[3]]);
      assert.deepEqual(await again.listAudit(1e12 + 200, 10), [notes[1]]);
    });
  });
}
